import { jsonObjects } from '../json-objects.ts';
import type { KrisScore } from './parse.ts';
import type { KrisMetric } from './taxonomy.ts';

/**
 * Reads scores without upstream's guesses: exactly one JSON object of the reply has all the keys, and each score is a
 * whole number from 1 to 5. Otherwise every score of the reply is null.
 *
 * @example
 * strictKrisScores('{"quality_score": 4}', ['quality']).quality?.score; // 4
 * strictKrisScores('4/5', ['quality']).quality?.score; // null
 */
export function strictKrisScores(
  reply: string,
  metrics: readonly KrisMetric[],
): Readonly<Partial<Record<KrisMetric, KrisScore>>> {
  const candidates = jsonObjects(reply).filter((data) =>
    metrics.every((metric) => `${metric}_score` in data),
  );
  const data = candidates.length === 1 ? candidates[0]! : {};
  const scores = metrics.map((metric) => data[`${metric}_score`]);
  const good = scores.every(isScore);
  return Object.fromEntries(
    metrics.map((metric, index) => [
      metric,
      {
        score: good ? (scores[index] as number) : null,
        reasoning: data[`${metric}_reasoning`] ?? data.reasoning ?? null,
      },
    ]),
  );
}

function isScore(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 5;
}
