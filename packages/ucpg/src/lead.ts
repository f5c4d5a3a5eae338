import { UcpgError } from './error.ts';
import type { Outranked } from './grouping.ts';
import { atMost } from './order.ts';
import type { RewardRows } from './rewards.ts';

/** Which dimension must not be traded for the others. */
export interface LeadOptions {
  /**
   * Index of a dimension that must not be traded for the others. Only a sample that at most `leadTolerance` of the
   * judged group beats in it may stand on top of the chain, so that being best in all the others is no way to the top.
   * @defaultValue none
   */
  readonly lead?: number;
  /**
   * Share of the judged samples that may beat the top of the chain in `lead`. 0 asks for the best of all, which noise
   * can be, or a sample that gives up everything else; 1 asks for nothing.
   * @defaultValue 0.125
   */
  readonly leadTolerance?: number;
}

/**
 * Smallest `lead` reward that the top of a chain may have: at most `leadTolerance` of the rows have a larger one.
 * `-Infinity` without a lead.
 *
 * @throws UcpgError `UCPG_OPTION` for a lead that is no dimension or a tolerance outside [0, 1].
 */
export function leastTop(
  { values, dimensions }: RewardRows,
  { lead, leadTolerance = 0.125 }: LeadOptions,
): number {
  if (lead === undefined || values.length === 0) return Number.NEGATIVE_INFINITY;
  checkLead(lead, leadTolerance, dimensions);
  const descending = values.filter((_, at) => at % dimensions === lead).sort((a, b) => b - a);
  return descending[Math.min(descending.length - 1, Math.floor(leadTolerance * descending.length))]!;
}

/**
 * Rows outside the chain with the member that each is pushed down with: the lowest one that is better in `lead` or at
 * least as good everywhere. Rows that no member beats are left out.
 *
 * Both conditions hold for every member above one for which they hold, so that the order of the pushed rows never
 * contradicts the product order.
 */
export function beatenBy(rows: RewardRows, chain: readonly number[], lead: number): readonly Outranked[] {
  const { values, dimensions } = rows;
  const members = new Set(chain);
  const better = (by: number, row: number) =>
    values[by * dimensions + lead]! > values[row * dimensions + lead]! || atMost(values, dimensions, row, by);
  const found: Outranked[] = [];
  for (let row = 0; row * dimensions < values.length; row++) {
    if (members.has(row)) continue;
    const by = chain.find((member) => better(member, row));
    if (by !== undefined) found.push({ sample: row, by });
  }
  return found;
}

function checkLead(lead: number, tolerance: number, dimensions: number): void {
  if (!Number.isInteger(lead) || lead < 0 || lead >= dimensions)
    throw new UcpgError('UCPG_OPTION', {
      field: 'options.lead',
      value: lead,
      fix: `name a dimension, 0 to ${dimensions - 1}`,
    });
  if (!(tolerance >= 0 && tolerance <= 1))
    throw new UcpgError('UCPG_OPTION', {
      field: 'options.leadTolerance',
      value: tolerance,
      fix: 'use a share from 0 to 1',
    });
}
