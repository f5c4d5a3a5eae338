import type { EditTask } from '@thinkrl/spec';
import type { ScoreRequest } from './dimension.ts';
import type { CallOptions, Unjudged } from './judge.ts';

/** Marks on the interval scale, worst to best. */
export const RATINGS = [1, 2, 3, 4, 5] as const;

/** A mark on the interval scale. */
export type Rating = (typeof RATINGS)[number];

/** A rated picture. */
export interface Rated {
  readonly rating: Rating;
}

/**
 * Gives each picture one mark from 1 to 5 instead of answers: the interval scorer that the checklist is compared with
 * (method section 2).
 */
export interface Rater<Task extends EditTask = EditTask> {
  readonly name: string;
  readonly version: string;
  /** One mark per request, in order. */
  rate(
    requests: readonly ScoreRequest<Task>[],
    options?: CallOptions,
  ): Promise<readonly (Rated | Unjudged)[]>;
}
