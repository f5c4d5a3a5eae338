import type { Answer, EditTask, Image, Key } from '@thinkrl/spec';
import type { CallOptions, Unjudged } from './judge.ts';

/** One picture to be scored. */
export interface ScoreRequest<Task extends EditTask = EditTask> {
  readonly task: Task;
  /** The edited picture. */
  readonly image: Image;
  /** Randomness of a dimension that has any; the same key gives the same score. */
  readonly key: Key;
}

/** A score in [0, 1], with the answers it came from where there are any. */
export interface Scored {
  readonly value: number;
  readonly answers?: readonly Answer[];
}

/** What one dimension gives one picture. Tell the two apart with `'unjudged' in score`. */
export type DimensionScore = Scored | Unjudged;

/** One entry of the reward vector (method section 1, step 5). */
export interface RewardDimension<Task extends EditTask = EditTask> {
  /** Unique within a reward, for example `instruction`. */
  readonly name: string;
  /** One score per request, in order. */
  score(requests: readonly ScoreRequest<Task>[], options?: CallOptions): Promise<readonly DimensionScore[]>;
}
