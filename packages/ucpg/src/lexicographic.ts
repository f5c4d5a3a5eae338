import { UcpgError } from './error.ts';
import type { Grouping, GroupingOptions, Rewards } from './grouping.ts';
import { readRewards } from './rewards.ts';
import { standardise } from './standardise.ts';

/** Options of {@link lexicographic}. */
export interface LexicographicOptions extends GroupingOptions {
  /**
   * Dimensions from the most to the least important; those not named do not count.
   * @defaultValue `[0, 1, ...]`
   */
  readonly priority?: readonly number[];
  /**
   * Gate of each dimension: a reward above its gate counts as the gate, so that the next dimension decides among
   * samples that pass.
   * @defaultValue no gates
   */
  readonly gates?: readonly number[];
}

/**
 * Lexicographic order: the most important dimension decides, the next one among its ties, and so on; with gates, among
 * all that pass. Samples are scored by their rank, equal ones sharing it. Keeps every judged sample.
 *
 * The `standardDeviationFloor` is in units of one rank.
 *
 * @throws UcpgError for empty, ragged or non-finite rewards and unusable options.
 * @example
 * lexicographic([[1, 0], [0, 1]], { epsilon: 0 }).advantages; // [1, -1]
 */
export function lexicographic(rewards: Rewards, options: LexicographicOptions = {}): Grouping {
  const { count, dimensions, judged, values } = readRewards(rewards);
  const { priority = Array.from({ length: dimensions }, (_, k) => k), gates } = options;
  checkOptions(priority, gates, dimensions);
  const gated = judged.map((_, row) =>
    priority.map((k) => Math.min(values[row * dimensions + k]!, gates?.[k] ?? Number.POSITIVE_INFINITY)),
  );
  const scores = ranks(gated);
  return standardise({ method: 'lexicographic', count, samples: judged, scores, unit: 1 }, options);
}

function ranks(rows: readonly (readonly number[])[]): readonly number[] {
  const order = rows.map((_, row) => row).sort((i, j) => compare(rows[i]!, rows[j]!));
  const scores = new Array<number>(rows.length).fill(0);
  let rank = 0;
  order.forEach((row, at) => {
    if (at > 0 && compare(rows[order[at - 1]!]!, rows[row]!) !== 0) rank += 1;
    scores[row] = rank;
  });
  return scores;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return a[k]! - b[k]!;
  return 0;
}

function checkOptions(priority: readonly number[], gates: readonly number[] | undefined, dimensions: number) {
  if (dimensions === 0) return;
  if (priority.length === 0 || priority.some((k) => !Number.isInteger(k) || k < 0 || k >= dimensions))
    throw new UcpgError('UCPG_OPTION', {
      field: 'options.priority',
      value: priority,
      fix: `list dimensions between 0 and ${dimensions - 1}, most important first`,
    });
  if (gates !== undefined && (gates.length !== dimensions || gates.some(Number.isNaN)))
    throw new UcpgError('UCPG_OPTION', {
      field: 'options.gates',
      value: gates,
      fix: `give ${dimensions} gates, Infinity where a dimension has none`,
    });
}
