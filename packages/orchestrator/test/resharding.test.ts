import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { openShards } from '@thinkrl/fsdp-shard';
import { AdamW, ExponentialAverage, gradients } from '@thinkrl/nn';
import { expect, it } from 'vitest';
import { ending, startScript, worldVariables } from '../../fsdp-shard/test/ranks/launch.ts';
import { microSubject } from '../../fsdp-shard/test/ranks/micro-subject.ts';

const STEPS = 2;
const script = new URL('ranks/resharding-rank.ts', import.meta.url).href;

type Values = ReadonlyMap<string, Float32Array>;

const addedUp = (a: Values, b: Values): Values =>
  new Map([...a].map(([name, values]) => [name, values.map((value, i) => value + b.get(name)![i]!)]));

/** What one process comes to that takes the rows of two nodes of two ranks one after the other. */
async function trainedAlone(): Promise<Values> {
  const { parameters, loss } = microSubject({ steps: 0 });
  const optimizer = AdamW.create({ parameters, learningRate: 1e-2 });
  const average = new ExponentialAverage(parameters);
  const slopesOf = (step: number, row: number): Values => {
    const part = { from: row, to: row + 1, rows: 4 };
    const { gradients: slopes } = gradients(() => ({ loss: loss(step, part) }), parameters);
    return new Map(
      [...parameters].map(([name, { size }]) => [
        name,
        (slopes.get(name)?.dataSync() as Float32Array | undefined) ?? new Float32Array(size),
      ]),
    );
  };
  for (let step = 0; step < STEPS; step++) {
    const [a, b, c, d] = [0, 1, 2, 3].map((row) => slopesOf(step, row)) as [Values, Values, Values, Values];
    const sum = addedUp(addedUp(a, b), addedUp(c, d));
    const mean = [...sum].map(
      ([name, values]) =>
        [
          name,
          tf.tensor(
            values.map((value) => value / 4),
            parameters.get(name)!.shape,
          ),
        ] as const,
    );
    optimizer.step(new Map(mean));
    average.update(0.9);
  }
  const named = (prefix: string, variables: ReadonlyMap<string, tf.Variable>) =>
    [...variables].map(([name, variable]) => [prefix + name, variable.dataSync() as Float32Array] as const);
  return new Map([
    ...named('', parameters),
    ...named('', optimizer.state().moments),
    ...named('average ', average.values()),
  ]);
}

/** All values that a checkpoint holds, and in how many files of weights. */
function valuesIn(checkpoint: string): { readonly values: Values; readonly files: number } {
  const files = readdirSync(checkpoint).filter((file) => file.endsWith('.safetensors'));
  const values = ['', 'average '].flatMap((prefix) => {
    const own = files.filter((file) => file.includes('.average') === (prefix !== ''));
    const opened = openShards(own.map((file) => join(checkpoint, file)));
    const found = [...opened.tensors].map(
      ([name, { data }]) => [prefix + name, data as Float32Array] as const,
    );
    opened.close();
    return found;
  });
  return { values: new Map(values), files: files.length / 3 };
}

it('two nodes of two ranks save what one process has, and any world hands it on, to the bit', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'resharding-'));
  const variables = await worldVariables(4);
  const ends = await Promise.all(
    variables.map((env) => ending(startScript(script, [folder, `${STEPS}`], env))),
  );
  expect(ends).toEqual(ends.map(() => ({ code: 0, errors: '' })));

  await useEngine({ engine: 'torch', threads: 1 });
  const expected = await trainedAlone();
  const found = [1, 2, 3, 4, 5, 6, 7].map((step) => valuesIn(join(folder, 'checkpoints', `step-${step}`)));
  // Two nodes of two, one process, nodes, four ranks, nodes, two ranks, nodes.
  expect(found.map(({ files }) => files)).toEqual([2, 1, 2, 4, 2, 2, 2]);
  for (const { values } of found) {
    expect([...values.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [name, numbers] of expected)
      expect(Buffer.from(values.get(name)!.buffer), name).toEqual(Buffer.from(numbers.buffer));
  }
}, 120_000);
