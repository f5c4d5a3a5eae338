import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors } from '@thinkrl/nn';
import { expect, it } from 'vitest';
import { newRun, numbersOf, runRanks } from './launch-ranks.ts';

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

const MICRO = 'trained-in-a-process.ts';

async function trained(worldSize: number): Promise<string> {
  const out = newRun();
  const errors = await runRanks(worldSize, MICRO, [out, JSON.stringify(settings)]);
  expect(errors.join('')).toBe('');
  return out;
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
  const out = newRun();
  const errors = await runRanks(3, MICRO, [out, JSON.stringify(astray), '1']);
  for (const said of errors)
    expect(said).toMatch(
      /the parameters of rank 1 differ from the others, first in (understanding|generation)\./,
    );
  expect(readdirSync(join(out, 'checkpoints'))).toEqual(['step-1']);
}, 300_000);
