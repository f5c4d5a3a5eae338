import type { Grouping } from './grouping.ts';

/** Options of {@link batchScale}. */
export interface BatchScaleOptions {
  /**
   * Smallest root mean square to divide by.
   * @defaultValue 0.15
   */
  readonly floor?: number;
}

/**
 * Brings the advantages of a batch of groups to a root mean square of 1 over all its samples, for methods whose
 * advantages have no fixed scale ({@link gdpo}, {@link pairs}).
 *
 * @example
 * batchScale([pairs([[0], [1]])])[0]?.advantages; // [-1, 1]
 */
export function batchScale(
  groupings: readonly Grouping[],
  options: BatchScaleOptions = {},
): readonly Grouping[] {
  const { floor = 0.15 } = options;
  const all = groupings.flatMap((grouping) => grouping.advantages);
  const square = all.reduce((sum, advantage) => sum + advantage * advantage, 0) / Math.max(1, all.length);
  const scale = Math.max(Math.sqrt(square), floor);
  return groupings.map((grouping) => ({
    ...grouping,
    advantages: grouping.advantages.map((advantage) => advantage / scale),
  }));
}
