import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@thinkrl/engine';
import type { Outcome, Plan } from './plan.ts';

/** A TypeScript file of this folder as a process. */
export function startScript(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const command = ['--import', 'tsx', '--conditions=@thinkrl/source', path, ...args];
  return spawn(process.execPath, command, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** How a process ended, and what it wrote on stderr. */
export async function ending(
  child: ChildProcess,
): Promise<{ readonly code: number | null; readonly errors: string }> {
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, errors };
}

/** The variables of torchrun for each rank of a world on this machine. */
export async function worldVariables(
  worldSize: number,
): Promise<readonly Readonly<Record<string, string>>[]> {
  const port = await freePort();
  return Array.from({ length: worldSize }, (_, rank) => ({
    RANK: `${rank}`,
    LOCAL_RANK: `${rank}`,
    WORLD_SIZE: `${worldSize}`,
    MASTER_ADDR: '127.0.0.1',
    MASTER_PORT: `${port}`,
  }));
}

/** Runs plans sharded over `worldSize` processes; the outcomes by rank and plan. */
export function runSharded(
  plans: readonly Plan[],
  worldSize: number,
): Promise<readonly (readonly Outcome[])[]> {
  return runRanks('sharded-rank.ts', plans, worldSize);
}

/** What a script that gets plans and the name of a file wrote there, by rank and plan. */
export async function runRanks<Result>(
  script: string,
  plans: readonly unknown[],
  worldSize: number,
): Promise<readonly (readonly Result[])[]> {
  const folder = mkdtempSync(join(tmpdir(), 'thinkrl-ranks-'));
  try {
    const variables = await worldVariables(worldSize);
    const runs = variables.map(async (env, rank) => {
      const file = join(folder, `${rank}.json`);
      const { code, errors } = await ending(startScript(script, [JSON.stringify(plans), file], env));
      if (code !== 0) throw new Error(`rank ${rank} ended with ${code}: ${errors}`);
      return JSON.parse(readFileSync(file, 'utf8')) as readonly Result[];
    });
    return await Promise.all(runs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Largest differences between two outcomes. */
export function differences(
  a: Outcome,
  b: Outcome,
): Readonly<Record<'losses' | 'norms' | 'parameters', number>> {
  const gap = (x: readonly number[], y: readonly number[]) =>
    x.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - y[i]!)),
      x.length === y.length ? 0 : Number.NaN,
    );
  const names = Object.keys(a.parameters);
  return {
    losses: gap(a.losses, b.losses),
    norms: gap(a.norms, b.norms),
    parameters: Math.max(...names.map((name) => gap(a.parameters[name]!, b.parameters[name]!))),
  };
}
