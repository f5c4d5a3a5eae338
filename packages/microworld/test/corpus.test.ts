import { ConfigError, Key } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import {
  applyOperations,
  type CorpusOptions,
  corpusOptions,
  decodeWords,
  editingBatch,
  editingSample,
  parsePlan,
  parseReflection,
  RULES,
  readPicture,
  SPOILT,
  SPOILT_LABEL,
  sameCells,
  type UnderstandingSample,
  understandingBatch,
  understandingSample,
} from '../src/index.ts';
import { meanOf } from './pictures.ts';

const samples = understandingBatch(Key.of(41), 4000);
const edits = editingBatch(Key.of(42), 1500);

function outcome(sample: UnderstandingSample): readonly number[] {
  const plan = parsePlan(decodeWords(sample.plan));
  if (!plan.ok) throw new Error(plan.problem);
  return applyOperations(sample.task.scene.cells, plan.operations);
}

const isRight = (sample: UnderstandingSample) => sameCells(outcome(sample), sample.task.truth);
const isIdle = (sample: UnderstandingSample) => sameCells(outcome(sample), sample.task.scene.cells);
const saysOk = (sample: UnderstandingSample) => decodeWords(sample.reflection)[0] === 'ok';
const share = (some: readonly UnderstandingSample[], test: (sample: UnderstandingSample) => boolean) =>
  meanOf(some, (sample) => Number(test(sample)));

describe('understanding samples', () => {
  it('are decided by their key', () => {
    expect(understandingSample(Key.of(41).fold(7))).toEqual(samples[7]);
  });

  it('have texts that parse and end', () => {
    const faults = samples.filter(({ plan, reflection, instruction }) => {
      const sized = instruction.length === 20 && plan.length === 18 && reflection.length === 14;
      const reads = parsePlan(decodeWords(plan)).ok && parseReflection(decodeWords(reflection)).ok;
      return !(sized && reads && plan.includes(1) && reflection.includes(1));
    });
    expect(faults).toEqual([]);
  });

  it('hold plans in the shares asked for', () => {
    const learned = samples.filter((sample) => sample.planWeight === 1);
    const hard = learned.filter((sample) => sample.task.rules.some((name) => RULES[name].hard));
    const easy = learned.filter((sample) => !hard.includes(sample));
    // 8 % lazy, then 35 % or 60 % right: 0.322 and 0.552; standard errors below 0.013.
    expect(share(learned, isIdle)).toBeCloseTo(0.08, 1);
    expect(Math.abs(share(hard, isRight) - 0.322)).toBeLessThan(0.05);
    expect(Math.abs(share(easy, isRight) - 0.552)).toBeLessThan(0.05);
    const read = samples.filter((sample) => sample.planWeight === 0);
    expect(Math.abs(read.length / samples.length - 0.15)).toBeLessThan(0.03);
    expect(share(read, isRight)).toBe(1);
  });

  it('show right plans to the reflector half the time, and let it say ok about as often', () => {
    expect(Math.abs(share(samples, isRight) - 0.5)).toBeLessThan(0.05);
    expect(Math.abs(share(samples, saysOk) - 0.48)).toBeLessThan(0.05);
    expect(share(samples.filter(isRight), saysOk)).toBeGreaterThan(0.75);
    expect(
      share(
        samples.filter((sample) => !isRight(sample)),
        saysOk,
      ),
    ).toBeLessThan(0.2);
  });

  it('label cells as the exact reader sees them', () => {
    const label = (id: number) => (id === SPOILT ? SPOILT_LABEL : id);
    for (const { task, edited, cellLabels } of samples.slice(0, 500)) {
      const seen = readPicture(edited, task.scene.background).cells;
      expect(Array.from(cellLabels)).toEqual([...task.scene.cells, ...seen].map(label));
    }
    expect(samples.some(({ cellLabels }) => cellLabels.includes(SPOILT_LABEL))).toBe(true);
  });

  it('reflect the truth only, where told to', () => {
    const strict: Partial<CorpusOptions> = { reflectRight: 1, spoilShare: 0, lazyShare: 0 };
    for (const sample of understandingBatch(Key.of(43), 500, strict)) {
      expect(saysOk(sample)).toBe(isRight(sample));
      const reflection = parseReflection(decodeWords(sample.reflection));
      if (!reflection.ok || reflection.verdict === 'ok') continue;
      const mended = applyOperations(outcome(sample), reflection.operations);
      const left = (cells: readonly number[]) =>
        cells.filter((id, cell) => id !== sample.task.truth[cell]).length;
      expect(left(mended)).toBe(Math.max(0, left(outcome(sample)) - 2));
    }
  });
});

describe('editing samples', () => {
  it('are decided by their key', () => {
    expect(editingSample(Key.of(42).fold(3))).toEqual(edits[3]);
  });

  it('have pictures in [0, 1], 20 text slots and marks where the target differs', () => {
    for (const { reference, target, text, changed } of edits) {
      expect(text).toHaveLength(20);
      expect(changed).toHaveLength(16);
      for (const { data } of [reference, target])
        expect(data.every((value) => value >= 0 && value <= 1)).toBe(true);
    }
    const clean = editingBatch(Key.of(44), 300, { reflectionShare: 0 });
    expect(meanOf(clean, ({ changed }) => changed.reduce((sum, one) => sum + one, 0))).toBeGreaterThan(0.8);
  });

  it('mix instructions, plans and reflections, and never train on ok', () => {
    const first = edits.map(({ text }) => decodeWords(text)[0]!);
    const plans = edits.filter(({ text }) => parsePlan(decodeWords(text)).ok).length / edits.length;
    const fixes = first.filter((word) => word === 'fix').length / edits.length;
    expect(first).not.toContain('ok');
    expect(Math.abs(plans - 0.5)).toBeLessThan(0.06);
    expect(Math.abs(fixes - 0.3)).toBeLessThan(0.06);
  });

  it('carry out their text', () => {
    for (const { reference, target, text } of editingBatch(Key.of(45), 300, { instructionShare: 0 })) {
      const words = decodeWords(text);
      const read = [0, 1, 2, 3]
        .map((background) => ({ background, ...readPicture(target, background) }))
        .find(({ errors }) => errors.every((error) => error === 0))!;
      const before = readPicture(reference, read.background).cells;
      const operations = words[0] === 'fix' ? parseReflection(words) : parsePlan(words);
      if (!operations.ok || !('operations' in operations)) throw new Error(words.join(' '));
      const after = applyOperations(before, operations.operations);
      // Spoilt cells that the text does not mention are cleaned as well.
      after.forEach((id, cell) => {
        if (id !== SPOILT) expect(read.cells[cell]).toBe(id);
      });
    }
  });
});

it('refuses shares that are no shares', () => {
  expect(() => corpusOptions({ spoilShare: 1.2 })).toThrow(ConfigError);
  expect(() => understandingBatch(Key.of(0), 1, { lazyShare: Number.NaN })).toThrow('corpus.lazyShare');
});
