import type { JudgedChain } from './judgement.ts';
import type { EditTask } from './task.ts';

/** Why a group gives no update. */
export type Degenerate = 'too-short' | 'no-spread';

/** Advantages of one group of samples. `advantages[i]` is 0 for every sample not in `kept`. */
export interface Grouping {
  readonly method: string;
  readonly advantages: readonly number[];
  /** Samples that take part in the update, worst first where the method orders them. */
  readonly kept: readonly number[];
  readonly degenerate: Degenerate | null;
}

/**
 * The judged chains of one task with their credit (method section 1, step 6).
 *
 * `credit[s].advantages[i]` drives the tokens and denoising steps of stage `s` of `members[i]`: stage 0 is plan and
 * first edit, stage r the reflection and edit of round r.
 */
export interface Group<Task extends EditTask = EditTask> {
  readonly task: Task;
  readonly members: readonly JudgedChain<Task>[];
  readonly credit: readonly Grouping[];
  /** Drives the tokens of the plans instead of `credit[0]`, where several chains share a plan. */
  readonly plan?: Grouping;
}
