import { UcpgError } from './error.ts';
import type { Rewards } from './grouping.ts';

/** Rewards in flat storage, row-major: `values [rows, dimensions]`. */
export interface RewardRows {
  readonly values: Float64Array;
  readonly dimensions: number;
}

/** Checked rewards of a group: one row of `values` per judged sample. */
export interface RewardTable extends RewardRows {
  /** Samples in the group, judged or not. */
  readonly count: number;
  /** Indices of the judged samples, ascending: `[judged]`. */
  readonly judged: readonly number[];
}

/**
 * Checks a group's rewards and lays them out flat.
 *
 * @throws UcpgError `UCPG_EMPTY` without samples or dimensions, `UCPG_RAGGED` for rows of different length,
 * `UCPG_NOT_FINITE` for NaN or an infinity.
 */
export function readRewards(rewards: Rewards): RewardTable {
  if (!Array.isArray(rewards) || rewards.length === 0)
    throw new UcpgError('UCPG_EMPTY', { field: 'rewards', value: rewards, fix: 'give one row per sample' });
  const judged: number[] = [];
  rewards.forEach((row, index) => {
    if (row !== null && row !== undefined) judged.push(index);
  });
  const dimensions = judged.length === 0 ? 0 : rewards[judged[0]!]!.length;
  const values = new Float64Array(judged.length * dimensions);
  judged.forEach((index, row) => {
    const vector = rewards[index]!;
    checkRow(vector, index, dimensions);
    for (let k = 0; k < dimensions; k++) values[row * dimensions + k] = vector[k]!;
  });
  return { count: rewards.length, dimensions, judged, values };
}

function checkRow(row: readonly number[], index: number, dimensions: number): void {
  const field = `rewards[${index}]`;
  if (row.length === 0)
    throw new UcpgError('UCPG_EMPTY', { field, value: row, fix: 'give at least one reward dimension' });
  if (row.length !== dimensions)
    throw new UcpgError('UCPG_RAGGED', {
      field,
      value: row,
      fix: `give ${dimensions} rewards as in the rows before, or null for a sample without a judgement`,
    });
  for (let k = 0; k < dimensions; k++)
    if (!Number.isFinite(row[k]))
      throw new UcpgError('UCPG_NOT_FINITE', {
        field: `${field}[${k}]`,
        value: row[k],
        fix: 'rewards are finite; give null for the whole row of a sample without a judgement',
      });
}

/** `S`: the sum of each row of `[judged, dimensions]`, added left to right. */
export function rowSums(values: Float64Array, dimensions: number): Float64Array {
  const sums = new Float64Array(dimensions === 0 ? 0 : values.length / dimensions);
  for (let row = 0; row < sums.length; row++) {
    let sum = 0;
    for (let k = 0; k < dimensions; k++) sum += values[row * dimensions + k]!;
    sums[row] = sum;
  }
  return sums;
}

/** Difference below which two sums count as equal: rounding, 1e-12 of the largest sum. */
export function sumTolerance(sums: Float64Array): number {
  return 1e-12 * sums.reduce((most, sum) => Math.max(most, Math.abs(sum)), 0);
}

/**
 * Each reward replaced by its rank among the different values of its dimension, 0 for the smallest: all that a
 * strictly increasing map of a dimension leaves alone.
 */
export function denseRanks(values: Float64Array, dimensions: number): Float64Array {
  const ranks = new Float64Array(values.length);
  for (let k = 0; k < dimensions; k++) {
    const column: number[] = [];
    for (let at = k; at < values.length; at += dimensions) column.push(values[at]!);
    const levels = [...new Set(column)].sort((a, b) => a - b);
    const rankOf = new Map(levels.map((value, rank) => [value, rank]));
    for (let at = k; at < values.length; at += dimensions) ranks[at] = rankOf.get(values[at]!)!;
  }
  return ranks;
}
