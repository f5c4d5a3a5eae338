import { UcpgError } from './error.ts';
import { gdpo } from './gdpo.ts';
import type { GroupingMethod, GroupingOptions } from './grouping.ts';
import { type LexicographicOptions, lexicographic } from './lexicographic.ts';
import { pairs } from './pairs.ts';
import { paretoRank } from './pareto-rank.ts';
import { type UcpgOptions, ucpg } from './ucpg.ts';
import { type WeightedOptions, weightedSum } from './weighted-sum.ts';

const methods = { ucpg, weightedSum, gdpo, pairs, paretoRank, lexicographic };

/** Options of each grouping method by its name. */
export interface GroupingOptionsByName {
  readonly ucpg: UcpgOptions;
  readonly weightedSum: WeightedOptions;
  readonly gdpo: WeightedOptions;
  readonly pairs: GroupingOptions;
  readonly paretoRank: GroupingOptions;
  readonly lexicographic: LexicographicOptions;
}

/** Name of a grouping method. */
export type GroupingName = keyof GroupingOptionsByName;

/** Every grouping method's name. */
export const groupingNames = Object.keys(methods) as readonly GroupingName[];

/**
 * A grouping method by name with its options set.
 *
 * @throws UcpgError `UCPG_OPTION` for an unknown name; the options are checked on the first call.
 * @example
 * const group = grouping('weightedSum', { weights: [2, 1] });
 * group([[0, 1], [1, 0]]).kept; // [0, 1]
 */
export function grouping<Name extends GroupingName>(
  name: Name,
  options?: GroupingOptionsByName[Name],
): GroupingMethod {
  if (!Object.hasOwn(methods, name))
    throw new UcpgError('UCPG_OPTION', {
      field: 'name',
      value: name,
      fix: `use one of ${groupingNames.join(', ')}`,
    });
  const method = methods[name] as (
    rewards: Parameters<GroupingMethod>[0],
    options?: object,
  ) => ReturnType<GroupingMethod>;
  return (rewards) => method(rewards, options ?? {});
}
