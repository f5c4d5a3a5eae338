import { ConfigError } from '@thinkrl/spec';
import { checkName } from './check-name.ts';
import { GrpoError } from './error.ts';

/** Options of {@link scaleAdvantages}. */
export interface ScaleOptions {
  /** The task each sample belongs to: samples with equal labels form a group. `[samples]`. */
  readonly groups: readonly (string | number)[];
  /**
   * What centred rewards are divided by: the standard deviation of their group, of the whole batch, or nothing.
   * @defaultValue 'group'
   */
  readonly scale?: 'group' | 'batch' | 'none';
  /**
   * `sample` divides squares by n - 1 (TRL), `population` by n (Flow-GRPO).
   * @defaultValue 'sample'
   */
  readonly deviation?: 'sample' | 'population';
  /** @defaultValue 1e-4 */
  readonly epsilon?: number;
}

/**
 * Plain GRPO advantages: rewards minus their group's mean, scaled. A sample without a reward (null) gets 0 and does
 * not count.
 *
 * @throws GrpoError when the lengths differ or a reward is not finite.
 * @example
 * scaleAdvantages([1, 3], { groups: ['a', 'a'], scale: 'none' }); // [-1, 1]
 */
export function scaleAdvantages(
  rewards: readonly (number | null)[],
  options: ScaleOptions,
): readonly number[] {
  const { groups, scale = 'group', deviation = 'sample', epsilon = 1e-4 } = options;
  checkName('scale', scale, ['group', 'batch', 'none']);
  checkName('deviation', deviation, ['sample', 'population']);
  checkRewards(rewards, groups);
  const members = groupMembers(rewards, groups);
  const everyone = present(rewards);
  return rewards.map((reward, i) => {
    if (reward === null) return 0;
    const group = members.get(groups[i]!)!;
    const centred = reward - mean(group);
    if (scale === 'none') return centred;
    return centred / (standardDeviation(scale === 'group' ? group : everyone, deviation) + epsilon);
  });
}

/**
 * The weighted sum of each sample's rewards `[samples][dimensions]`; missing ones (null) are left out of the sum, and a
 * sample with none at all has no reward (null).
 */
export function weightRewards(
  rewards: readonly (readonly (number | null)[])[],
  weights: readonly number[],
): readonly (number | null)[] {
  const broken = weights.findIndex((weight) => !Number.isFinite(weight));
  if (broken >= 0)
    throw new ConfigError({
      field: `weights[${broken}]`,
      value: weights[broken],
      fix: 'weights are finite numbers',
    });
  return rewards.map((row, i) => {
    if (row.length !== weights.length)
      throw new GrpoError('GRPO_SHAPE', {
        field: `rewards[${i}]`,
        found: row.length,
        fix: `give ${weights.length} rewards, one per weight`,
      });
    if (row.every((reward) => reward === null)) return null;
    return row.reduce<number>((sum, reward, k) => sum + (reward === null ? 0 : weights[k]! * reward), 0);
  });
}

/**
 * Every dimension standardised in its group before the weighted sum, which is then standardised over the batch (GDPO,
 * TRL's `normalize_then_sum`): `rewards [samples][dimensions]`.
 */
export function scaleEachReward(
  rewards: readonly (readonly (number | null)[])[],
  weights: readonly number[],
  options: Omit<ScaleOptions, 'scale'>,
): readonly number[] {
  const columns = weights.map((_, k) =>
    scaleAdvantages(
      rewards.map((row) => row[k] ?? null),
      { ...options, scale: 'group' },
    ),
  );
  const scaled = rewards.map((row, i) => row.map((reward, k) => (reward === null ? null : columns[k]![i]!)));
  const everyone = { ...options, groups: rewards.map(() => 0), scale: 'batch' as const };
  return scaleAdvantages(weightRewards(scaled, weights), everyone);
}

/** Standard deviation; 0 for fewer than two values. */
function standardDeviation(values: readonly number[], kind: 'sample' | 'population'): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  const square = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return Math.sqrt(square / (kind === 'sample' ? values.length - 1 : values.length));
}

function groupMembers(rewards: readonly (number | null)[], groups: ScaleOptions['groups']) {
  const members = new Map<string | number, number[]>();
  rewards.forEach((reward, i) => {
    const group = members.get(groups[i]!) ?? [];
    if (reward !== null) group.push(reward);
    members.set(groups[i]!, group);
  });
  return members;
}

function checkRewards(rewards: readonly (number | null)[], groups: ScaleOptions['groups']): void {
  if (rewards.length === 0)
    throw new GrpoError('GRPO_EMPTY', { field: 'rewards', found: [], fix: 'give at least one sample' });
  if (groups.length !== rewards.length)
    throw new ConfigError({
      field: 'groups',
      value: groups.length,
      fix: `give ${rewards.length} group labels`,
    });
  const at = rewards.findIndex((reward) => reward !== null && !Number.isFinite(reward));
  if (at >= 0)
    throw new GrpoError('GRPO_NOT_FINITE', {
      field: `rewards[${at}]`,
      found: String(rewards[at]),
      fix: 'rewards are finite, or null where there is none',
    });
}

function present(rewards: readonly (number | null)[]): readonly number[] {
  return rewards.filter((reward) => reward !== null);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
