import type { EditTask, Key } from '@thinkrl/spec';
import type { RewardDimension, ScoreRequest } from './dimension.ts';

/** How much the scores of the same pictures change when they are scored again and again. */
export interface RepeatSpread {
  readonly pictures: number;
  readonly repeats: number;
  /** Root of the mean over pictures of the variance of a picture's score over its repeats (unbiased). */
  readonly deviation: number;
  /** Scores that were not given; they are left out. */
  readonly unjudged: number;
}

/** How often to score, and the key that the repeats are drawn from. */
export interface RepeatOptions {
  /** At least 2. */
  readonly repeats: number;
  readonly key: Key;
}

/**
 * Scores pictures again and again with different keys: what a reward changes though nothing has changed. A judge at
 * temperature 0 that keeps to its seed may well have none; caches tell the keys apart.
 *
 * @throws RangeError for fewer than two repeats.
 * @example
 * const { deviation } = await repeatSpread(checklistDimension({ judge }), pictures, { repeats: 8, key: Key.of(1) });
 */
export async function repeatSpread<Task extends EditTask>(
  dimension: RewardDimension<Task>,
  pictures: readonly Omit<ScoreRequest<Task>, 'key'>[],
  { repeats, key }: RepeatOptions,
): Promise<RepeatSpread> {
  if (!(repeats >= 2)) throw new RangeError(`a spread needs at least 2 repeats, got ${repeats}`);
  const requests = pictures.flatMap((picture, index) =>
    key
      .fold(index)
      .split(repeats)
      .map((own) => ({ ...picture, key: own })),
  );
  const scores = await dimension.score(requests);
  const variances = pictures.flatMap((_, index) => {
    const own = scores.slice(index * repeats, (index + 1) * repeats);
    const values = own.flatMap((score) => ('value' in score ? [score.value] : []));
    return values.length < 2 ? [] : [variance(values)];
  });
  return {
    pictures: pictures.length,
    repeats,
    deviation: Math.sqrt(mean(variances)),
    unjudged: scores.filter((score) => 'unjudged' in score).length,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function variance(values: readonly number[]): number {
  const middle = mean(values);
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1);
}
