import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readMetrics } from '@thinkrl/orchestrator';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

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
  const place = { WORLD_SIZE: `${worldSize}`, MASTER_ADDR: '127.0.0.1', MASTER_PORT: `${await freePort()}` };
  const path = fileURLToPath(new URL(program, import.meta.url));
  const command = ['--import', 'tsx', '--conditions=@thinkrl/source', path, ...words];
  const ranks = Array.from({ length: worldSize }, (_, rank) => {
    const env = { ...process.env, ...place, RANK: `${rank}`, LOCAL_RANK: `${rank}` };
    const child = spawn(process.execPath, command, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    return new Promise<string>((resolve) => child.on('close', (code) => resolve(code === 0 ? '' : errors)));
  });
  return Promise.all(ranks);
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
