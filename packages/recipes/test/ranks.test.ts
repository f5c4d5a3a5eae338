import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { useEngine } from '@thinkrl/engine';
import { readSafetensors } from '@thinkrl/nn';
import { readMetrics } from '@thinkrl/orchestrator';
import { expect, it } from 'vitest';
import { tinyModel, tinySettings, writeTasks } from './qwen-image-edit-fixture.ts';

const scriptAt = (name: string) => fileURLToPath(new URL(`ranks/${name}`, import.meta.url));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function runTwo(script: string, ...args: string[]): Promise<void> {
  const place = { WORLD_SIZE: '2', MASTER_ADDR: '127.0.0.1', MASTER_PORT: `${await freePort()}` };
  const ranks = ['0', '1'].map((rank) => {
    const env = { ...process.env, ...place, RANK: rank, LOCAL_RANK: rank };
    const command = ['--import', 'tsx', '--conditions=@thinkrl/source', scriptAt(script), ...args];
    const child = spawn(process.execPath, command, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    return new Promise((resolve) => child.on('close', (code) => resolve(code === 0 ? '' : errors)));
  });
  expect(await Promise.all(ranks)).toEqual(['', '']);
}

it('two ranks learn from tasks of their own and keep the same weights', async () => {
  const out = join(mkdtempSync(join(tmpdir(), 'ranks-')), 'run');
  await runTwo('train-rank.ts', out, '2');
  const folders = [out, `${out}-rank1`];
  const hashes = folders.map((folder) => {
    const manifest = readFileSync(join(folder, 'checkpoints', 'step-2', 'manifest.json'), 'utf8');
    return (JSON.parse(manifest) as { files: Record<string, string> }).files;
  });
  expect(hashes[1]).toEqual(hashes[0]);
  expect(Object.keys(hashes[0]!)).toHaveLength(4);
  const metrics = folders.map((folder) =>
    readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { rewards: object; generation: { gradientNorm: number } | null }),
  );
  expect(metrics.map((lines) => lines.length)).toEqual([2, 2]);
  expect(metrics[1]!.map(({ rewards }) => rewards)).not.toEqual(metrics[0]!.map(({ rewards }) => rewards));
  expect(readdirSync(folders[1]!)).toContain('summary.json');
}, 240_000);

/** Every number in a record, by its place. */
function numbersIn(value: unknown, place = ''): readonly (readonly [string, number])[] {
  if (typeof value === 'number') return [[place, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => numbersIn(inner, `${place}.${name}`));
}

/** What two ranks have come to: numbers of their reports, and of the adapters that rank 0 wrote. */
async function outcomeOf(out: string) {
  const metrics = [out, `${out}-rank1`].map((folder) =>
    numbersIn(readMetrics(join(folder, 'metrics.jsonl')).map((report) => ({ ...report, seconds: null }))),
  );
  const adapters: Record<string, unknown> = {};
  for (const module of ['understanding', 'generation']) {
    const file = join(out, 'adapters', module, 'adapter_model.safetensors');
    for (const [name, { data }] of (await readSafetensors(file)).tensors) adapters[name] = data;
  }
  return { metrics, adapters: numbersIn(adapters) };
}

type Numbers = ReturnType<typeof numbersIn>;

/** Expects the same places, and numbers within `tolerance` of their size, or of 1 where they are smaller. */
function expectSame(found: Numbers, expected: Numbers, tolerance: number): void {
  expect(found.map(([place]) => place)).toEqual(expected.map(([place]) => place));
  const apart = found.flatMap(([place, value], i) => {
    const wanted = expected[i]![1];
    return Math.abs(value - wanted) <= tolerance * Math.max(1, Math.abs(wanted))
      ? []
      : [[place, value, wanted]];
  });
  expect(apart).toEqual([]);
}

it('two ranks that share Qwen-Image-Edit out learn what two that hold it whole do', async () => {
  await useEngine({ engine: 'cpu' }); // the fixture passes through tensors
  const folder = mkdtempSync(join(tmpdir(), 'ranks-'));
  const settings = tinySettings(tinyModel(), await writeTasks(folder));
  const run = async (name: string, shared: boolean) => {
    const sharding = { generation: shared, understanding: shared };
    // One task of each rank an iteration: there are three.
    const config = {
      ...settings,
      ...{ tasksPerIteration: 1, groupSize: 3, sharding, recordShare: 0 },
      // Sums over the two branches of guidance come in another order: AdamW makes that visible in units of its rate.
      understanding: { ...settings.understanding, learningRate: 3e-4 },
      generation: { ...settings.generation, learningRate: 3e-4 },
      editing: { ...settings.editing, steps: 3 },
      planner: { mostTokens: 4 },
    };
    const out = join(folder, name);
    await runTwo('train-qwen-rank.ts', out, JSON.stringify(config));
    return outcomeOf(out);
  };
  const parted = await run('parted', true);
  const whole = await run('whole', false);
  expect(parted.metrics[0]).not.toEqual(parted.metrics[1]);
  parted.metrics.forEach((numbers, rank) => {
    expectSame(numbers, whole.metrics[rank]!, 1e-5);
  });
  expectSame(parted.adapters, whole.adapters, 1e-6);
  expect(parted.adapters.length).toBeGreaterThan(1000);
  expect(readdirSync(join(folder, 'parted-rank1'))).not.toContain('adapters');
}, 300_000);
