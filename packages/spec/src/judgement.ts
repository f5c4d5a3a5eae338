import type { Chain } from './chain.ts';
import type { EditTask } from './task.ts';

/** A judge's answer to one question of the checklist. */
export interface Answer {
  readonly questionId: string;
  readonly reply: 'yes' | 'no';
  /** Whether `reply` is the expected one. */
  readonly agrees: boolean;
  /** P(yes) / (P(yes) + P(no)) where the judge gives token probabilities. */
  readonly probabilityOfYes?: number;
}

/** What the judges said of one picture. `rewards[k]` in [0, 1] belongs to the k-th reward dimension. */
export interface Judgement {
  readonly rewards: readonly number[];
  readonly answers: readonly Answer[];
  /** Why this picture has no reward; it is then left out of its group and counted. */
  readonly unjudged?: string;
  /** Exact scores by name, in [0, 1], where an oracle exists; logged, never trained on. */
  readonly oracle?: Readonly<Record<string, number>>;
}

/** A chain with one judgement per stage: after the first edit, then after every round. */
export interface JudgedChain<Task extends EditTask = EditTask> {
  readonly chain: Chain<Task>;
  readonly stages: readonly Judgement[];
}
