import { describe, expect, it } from 'vitest';
import {
  aggregateKris,
  type BenchmarkSample,
  KRIS_CATEGORIES,
  KRIS_PUBLISHED,
  KRIS_SWITCHES,
  type KrisRecord,
} from '../src/index.ts';

/** Means per dimension that BAGEL's authors published of their own run: VC, VQ, IF and, where there is one, KP. */
const published: Readonly<Record<string, readonly number[]>> = {
  'Attribute Perception': [76.64, 74.45, 41.73],
  'Spatial Perception': [70.25, 80, 37],
  'Temporal Prediction': [36.49, 61.82, 29.05],
  'Social Science': [76.2, 78.8, 37, 29.6],
  'Natural Science': [69.59, 84.03, 40.27, 30.15],
  'Logical Reasoning': [80.17, 85.67, 26.33, 18],
  'Instruction Decomposition': [40.17, 69.5, 42],
};

/** All 1267 samples, each with the mean scores of its dimension. */
const records: readonly KrisRecord[] = KRIS_CATEGORIES.flatMap(({ name, dimension, samples }) =>
  Array.from({ length: samples }, (_, index) => {
    const [consistency, quality, instruction, knowledge] = published[dimension]!.map((mean) => ({
      score: mean / 25 + 1,
      reasoning: null,
    }));
    const sample: BenchmarkSample = {
      key: `${name}/${index}`,
      id: `${index}`,
      category: name,
      instruction: '',
      inputs: [],
      reference: {},
      outputStem: '',
      record: {},
    };
    const scores = { consistency: consistency!, quality: quality!, instruction: instruction! };
    return { sample, scores: { ...scores, ...(knowledge && { knowledge }) } };
  }),
);
const samples = records.map(({ sample }) => sample);

describe('the published means of BAGEL', () => {
  const averagesOf = (weighting: 'value' | 'sample') => {
    const { knowledge, overall } = aggregateKris(samples, records, { ...KRIS_SWITCHES, weighting });
    return [...Object.values(knowledge).map(({ average }) => average), overall!.average];
  };

  it('weighed by values give its published averages', () => {
    const row = KRIS_PUBLISHED.find(({ model, weighting }) => model === 'BAGEL' && weighting === 'value')!;
    const expected = [row.factual, row.conceptual, row.procedural, row.overall];
    // Both sides are rounded to two decimals.
    averagesOf('value').forEach((average, index) => {
      expect(Math.abs(average - expected[index]!)).toBeLessThan(0.012);
    });
  });

  it('weighed by samples give others where knowledge scores are mixed with none', () => {
    const [factual, conceptual, procedural, overall] = averagesOf('sample');
    const expected = [60.26, 55.86, 51.55, 56.4];
    [factual, conceptual, procedural, overall].forEach((average, index) => {
      expect(Math.abs(average! - expected[index]!)).toBeLessThan(0.012);
    });
  });
});
