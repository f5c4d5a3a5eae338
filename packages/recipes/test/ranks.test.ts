import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSafetensors } from '@thinkrl/nn';
import { readMetrics } from '@thinkrl/orchestrator';
import { expect, it } from 'vitest';

/** 5 tasks, which no world of 2 divides evenly. */
const settings = {
  seed: 5,
  iterations: 3,
  engine: { name: 'torch', threads: 1 },
  tasksPerIteration: 5,
  groupSize: 4,
  evaluation: { tasks: 0 },
  checkpointEvery: 3,
};

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A run of some ranks, and what each says on stderr when it fails, nothing where it does not. */
async function runRanks(
  worldSize: number,
  words: readonly string[] = [],
): Promise<{ readonly out: string; readonly errors: readonly string[] }> {
  const out = join(mkdtempSync(join(tmpdir(), 'ranks-')), 'run');
  const place = { WORLD_SIZE: `${worldSize}`, MASTER_ADDR: '127.0.0.1', MASTER_PORT: `${await freePort()}` };
  const program = fileURLToPath(new URL('trained-in-a-process.ts', import.meta.url));
  const command = ['--import', 'tsx', '--conditions=@thinkrl/source', program, out];
  const ranks = Array.from({ length: worldSize }, (_, rank) => {
    const env = { ...process.env, ...place, RANK: `${rank}`, LOCAL_RANK: `${rank}` };
    const child = spawn(process.execPath, [...command, ...words], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    return new Promise<string>((resolve) => child.on('close', (code) => resolve(code === 0 ? '' : errors)));
  });
  return { out, errors: await Promise.all(ranks) };
}

async function trained(worldSize: number): Promise<string> {
  const { out, errors } = await runRanks(worldSize, [JSON.stringify(settings)]);
  expect(errors.join('')).toBe('');
  return out;
}

/** All numbers of the metrics but the times, by place. */
function numbersOf(run: string): Readonly<Record<string, number>> {
  const reports = readMetrics(join(run, 'metrics.jsonl')).map((report) => ({ ...report, seconds: null }));
  const leaves = (value: unknown, place: string): [string, number][] => {
    if (typeof value === 'number') return [[place, value]];
    return Object.entries(value ?? {}).flatMap(([name, inner]) => leaves(inner, `${place}.${name}`));
  };
  return Object.fromEntries(leaves(reports, ''));
}

/** Root mean square of the differences between two runs' weights of a module. */
async function weightsApart(runs: readonly string[], module: string): Promise<number> {
  const files = runs.map((run) => join(run, 'checkpoints', 'step-3', `${module}.safetensors`));
  const [a, b] = (await Promise.all(files.map((file) => readSafetensors(file)))).map(({ tensors }) =>
    [...tensors.values()].flatMap(({ data }) => [...(data as Float32Array)]),
  );
  return Math.sqrt(a!.reduce((sum, value, i) => sum + (value - b![i]!) ** 2, 0) / a!.length);
}

it('two ranks come to what one process comes to, up to rounding, and write one run folder', async () => {
  const [alone, together] = [await trained(1), await trained(2)];
  const expected = numbersOf(alone);
  const found = numbersOf(together);
  expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
  for (const [place, value] of Object.entries(expected))
    expect(Math.abs(found[place]! - value), place).toBeLessThan(1e-6 * Math.max(1, Math.abs(value)));
  expect(found['.0.chains']).toBe(20);
  expect(found['.2.generation.loss']).not.toBe(0);
  // Not the largest: where a gradient is 0 but for rounding, as of biases of keys, AdamW makes steps of the rounding.
  for (const module of ['understanding', 'generation'])
    expect(await weightsApart([alone, together], module), module).toBeLessThan(1e-6);
  expect(readdirSync(join(together, '..'))).toEqual(['run']);
  const files = ['metrics.jsonl', 'summary.json'].map((file) => readFileSync(join(together, file), 'utf8'));
  expect(files[0]!.trim().split('\n')).toHaveLength(3);
  expect(JSON.parse(files[1]!)).toMatchObject({ iterations: 3 });
}, 240_000);

it('a rank whose weights go astray ends the run on all ranks at the next check, named', async () => {
  const astray = { ...settings, iterations: 4, checkpointEvery: 1 };
  const { out, errors } = await runRanks(3, [JSON.stringify(astray), '1']);
  for (const said of errors)
    expect(said).toMatch(
      /the parameters of rank 1 differ from the others, first in (understanding|generation)\./,
    );
  expect(readdirSync(join(out, 'checkpoints'))).toEqual(['step-1']);
}, 300_000);
