import type { Grouping } from '@thinkrl/spec';

/** Advantages from one reward vector per sample; null marks a sample without a reward. `ucpg` and its rivals fit. */
export type GroupingFunction = (rewards: readonly (readonly number[] | null)[]) => Grouping;
