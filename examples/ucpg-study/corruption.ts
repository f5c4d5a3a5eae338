import type { Key } from '@thinkrl/spec';
import { longestChain } from '@thinkrl/ucpg';
import type { Curve } from './chart.ts';
import { percent, table } from './markdown.ts';
import { drawGroup } from './points.ts';
import { rules } from './rules.ts';
import { cosine, mean } from './statistics.ts';

const population = { samples: 16, dimensions: 3, correlation: 0.3 };
const corruptions = [0, 1, 2, 4, 8, 16];

/** What the study says of one corrupted reward. */
export interface CorruptionStudy {
  readonly cosines: readonly Curve[];
  readonly details: string;
  /** Share of groups whose chain changed its length by 0 and by 1; nothing else is possible. */
  readonly lengths: readonly [same: number, other: number];
}

/**
 * Replaces one reward of one sample of every group by a number so many deviations above the mean, and compares the
 * advantages of the other samples with what they were.
 */
export function studyCorruption(key: Key, effort: number): CorruptionStudy {
  const groups = key
    .split(Math.max(4, Math.round(400 * effort)))
    .map((own) => drawGroup(population, own.stream()));
  const names = Object.keys(rules);
  const found = corruptions.map((value) =>
    Object.fromEntries(names.map((name) => [name, mean(groups.map((group) => kept(name, group, value)))])),
  );
  const changed = mean(
    groups.map((group) => Math.abs(longestChain(corrupt(group, 8)).length - longestChain(group).length)),
  );
  return {
    cosines: names.map((name) => ({
      name,
      points: corruptions.map((value, at) => [value, found[at]![name]!] as const),
    })),
    details: table(
      ['rule', ...corruptions.map((value) => `${value} sd`)],
      names.map((name) => [name, ...found.map((row) => row[name]!.toFixed(2))]),
    ),
    lengths: [1 - changed, changed],
  };
}

/** Sample 0 with its reward 0 replaced. */
function corrupt(group: readonly (readonly number[])[], value: number): readonly (readonly number[])[] {
  return group.with(0, group[0]!.with(0, value));
}

/** Cosine between the advantages of all samples but the corrupted one, before and after. */
function kept(name: string, group: readonly (readonly number[])[], value: number): number {
  const rule = rules[name]!;
  return cosine(rule(group).slice(1), rule(corrupt(group, value)).slice(1));
}

/** The shares of {@link CorruptionStudy.lengths} in words. */
export function lengthsText([same, other]: CorruptionStudy['lengths']): string {
  return `The chain kept its length in ${percent(same)} % of the groups and changed it by one in ${percent(other)} %.`;
}
