/** Why a group gives no update: fewer than two samples could be ordered, or all of them are worth the same. */
export type Degenerate = 'too-short' | 'no-spread';

/**
 * Advantages of one group of samples; the record of the same name in `@thinkrl/spec`.
 *
 * `advantages[i]` is 0 for every sample not in `kept`; a degenerate group keeps nobody.
 */
export interface Grouping {
  readonly method: string;
  readonly advantages: readonly number[];
  /** Samples that take part in the update, worst first. */
  readonly kept: readonly number[];
  readonly degenerate: Degenerate | null;
  /** The kept samples that stand outside the chain; only from `ucpg` with a `lead`. */
  readonly outranked?: readonly Outranked[];
}

/** A sample outside the chain that is pushed down together with the chain's member `by`, which beats it. */
export interface Outranked {
  readonly sample: number;
  readonly by: number;
}

/**
 * Reward vectors of one group, one row per sample: `[samples][dimensions]`, larger is better. A row that is null or
 * undefined is a sample without a judgement: the group is formed without it.
 */
export type Rewards = readonly (readonly number[] | null | undefined)[];

/** What every grouping method understands. */
export interface GroupingOptions {
  /**
   * Added to the standard deviation that scores are divided by.
   * @defaultValue 1e-6
   */
  readonly epsilon?: number;
  /**
   * Smallest standard deviation to divide by, in units of one reward, so that it means the same for any number of
   * dimensions: noise in a group that is all but tied is then not blown up to full size. 0 follows the paper.
   * @defaultValue 0
   */
  readonly standardDeviationFloor?: number;
}

/** A grouping method with its options set. */
export type GroupingMethod = (rewards: Rewards) => Grouping;

/** The grouping of a group that gives no update. */
export function degenerateGrouping(method: string, count: number, reason: Degenerate): Grouping {
  return { method, advantages: new Array<number>(count).fill(0), kept: [], degenerate: reason };
}
