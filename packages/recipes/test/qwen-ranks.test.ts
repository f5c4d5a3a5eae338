import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { useEngine } from '@thinkrl/engine';
import { readSafetensors } from '@thinkrl/nn';
import { expect, it } from 'vitest';
import { remains } from './faults/processes.ts';
import { newRun, numbersOf, runRanks } from './launch-ranks.ts';
import { tinyModel, tinySettings, writeTasks } from './qwen-image-edit-fixture.ts';

/** The adapters that a run wrote, by module and name. */
async function adaptersOf(run: string): Promise<ReadonlyMap<string, Float32Array>> {
  const found: [string, Float32Array][] = [];
  for (const module of ['understanding', 'generation']) {
    const file = join(run, 'adapters', module, 'adapter_model.safetensors');
    for (const [name, { data }] of (await readSafetensors(file)).tensors)
      found.push([`${module} ${name}`, data as Float32Array]);
  }
  return new Map(found);
}

/** Settings of a run whose ranks share both models out. */
async function sharedSettings() {
  await useEngine({ engine: 'cpu' }); // the fixture passes through tensors
  const path = await writeTasks(join(newRun(), '..'));
  const tiny = tinySettings(tinyModel(), path);
  return {
    ...tiny,
    engine: { ...tiny.engine, name: 'torch' },
    // Three tasks, which neither two ranks nor four share evenly.
    ...{ tasksPerIteration: 3, groupSize: 3, recordShare: 0, sharding: { understanding: true } },
    understanding: { ...tiny.understanding, learningRate: 1e-4 },
    generation: { ...tiny.generation, learningRate: 3e-4 },
    editing: { ...tiny.editing, steps: 3 },
    planner: { mostTokens: 4 },
  };
}

/** Runs ranks to their end, or until one is told to stop at a place. */
async function runAll(worldSize: number, words: readonly [run: string, settings: object, place?: object]) {
  const [run, ...rest] = words;
  const given = [run, ...rest.map((word) => JSON.stringify(word))];
  const errors = await runRanks(worldSize, 'qwen-in-a-process.ts', given);
  expect(errors.join('')).toBe('');
}

it('ranks that share both models out, all of them or two by two, come to what one process comes to that holds them', async () => {
  const settings = await sharedSettings();
  const trained = async (worldSize: number, ranks = 0) => {
    const out = newRun();
    await runAll(worldSize, [out, { ...settings, sharding: { ...settings.sharding, ranks } }]);
    return out;
  };
  const alone = await trained(1);
  await expectSame(await trained(2), alone);
  await expectSame(await trained(4, 2), alone);
}, 400_000);

/** The numbers and adapters of a run over groups of two ranks are those of one process, and its files those of one group. */
async function expectSame(together: string, alone: string): Promise<void> {
  const [expected, found] = [numbersOf(alone), numbersOf(together)];
  expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
  for (const [place, value] of Object.entries(expected))
    expect(Math.abs(found[place]! - value), place).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
  expect(found['.1.generation.samples']).toBeGreaterThan(0);
  const adapters = await adaptersOf(together);
  for (const [name, values] of await adaptersOf(alone)) {
    const own = adapters.get(name)!;
    const apart = Math.sqrt(
      values.reduce((sum, value, i) => sum + (value - own[i]!) ** 2, 0) / values.length,
    );
    // Not the largest: where a gradient is 0 but for rounding, AdamW makes steps of the rounding.
    expect(apart, name).toBeLessThan(1e-6);
  }
  expect(readdirSync(join(together, 'checkpoints', 'step-2')).sort()).toEqual(
    [
      ...['generation', 'understanding'].flatMap((name) =>
        ['', '.optimizer'].flatMap((part) => [0, 1].map((rank) => `${name}${part}.${rank}-of-2.safetensors`)),
      ),
      'manifest.json',
    ].sort(),
  );
  expect(readdirSync(join(together, '..'))).toEqual(['run']);
}

it('two ranks that share both models out stop reading or updating when one is told to, and end the same when resumed', async () => {
  const tiny = await sharedSettings();
  // Passes of one chain each, of which the ranks have unlike numbers.
  const settings = { ...tiny, understanding: { ...tiny.understanding, chainsAtOnce: 1 } };
  const [whole, broken] = [newRun(), newRun()];
  await runAll(2, [whole, settings]);
  const end = () => ({ ...remains(broken), steps: readdirSync(join(broken, 'checkpoints')) });

  await runAll(2, [broken, settings, { rank: 1, iteration: 1, module: 0, pass: 1 }]);
  expect(end()).toMatchObject({ metrics: [], steps: ['step-0'] });
  await runAll(2, [broken, settings, { rank: 0, reading: true }]);
  expect(end()).toMatchObject({ metrics: [], steps: ['step-0'] });
  await runAll(2, [broken, settings, { rank: 1, iteration: 2, module: 1, pass: 2 }]);
  expect(end()).toMatchObject({ metrics: [{ iteration: 1 }], steps: ['step-0', 'step-1'] });
  await runAll(2, [broken, settings]);
  expect(remains(broken)).toEqual(remains(whole));
}, 600_000);
