import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMetrics } from '@thinkrl/orchestrator';
import { worldVariables } from '../../fsdp-shard/test/ranks/launch.ts';
import { start } from './faults/processes.ts';

/** A place for a run. */
export function newRun(): string {
  return join(mkdtempSync(join(tmpdir(), 'ranks-')), 'run');
}

/** Runs a program of this folder as some ranks; what each says on stderr when it fails, nothing where it does not. */
export async function runRanks(
  worldSize: number,
  program: string,
  words: readonly string[],
): Promise<readonly string[]> {
  const ranks = (await worldVariables(worldSize)).map((env) => start(`../${program}`, words, { env }));
  const ends = await Promise.all(ranks.map(({ ended }) => ended));
  return ends.map(({ status, errors }) => (status === 0 ? '' : errors));
}

/** All numbers of the metrics but the times, by place. */
export function numbersOf(run: string): Readonly<Record<string, number>> {
  const reports = readMetrics(join(run, 'metrics.jsonl')).map((report) => ({ ...report, seconds: null }));
  const leaves = (value: unknown, place: string): [string, number][] => {
    if (typeof value === 'number') return [[place, value]];
    return Object.entries(value ?? {}).flatMap(([name, inner]) => leaves(inner, `${place}.${name}`));
  };
  return Object.fromEntries(leaves(reports, ''));
}
