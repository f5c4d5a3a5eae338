// Our side of gpu.ts: a JSON request a line on stdin, an answer a line on stdout; see exchange.ts.
import { createInterface } from 'node:readline';
import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { castStorage, type HostTensor, linear, randomNormal, readSafetensors } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import { memoryStatistics, resetPeakMemory, synchronize } from '@thinkrl/tfjs-backend-torch';
import type { Answer, Request, Setup } from './exchange.ts';
import { imageCases } from './image.ts';
import { languageCases } from './language.ts';
import type { CaseName } from './sizes.ts';

/** What a model is fed and, where it is to compute what the other side computes, its weights. */
export interface Inputs {
  readonly inputs: {
    readonly values: (name: string) => Float32Array;
    readonly tensor: (name: string, shape: readonly number[]) => tf.Tensor;
  };
  readonly weights: ReadonlyMap<string, HostTensor> | null;
}

/** Cases by name; each gives what it came to. */
export type Runs = Partial<Readonly<Record<CaseName, () => tf.Tensor | Promise<tf.Tensor>>>>;

async function readInputs({ inputs: path, weights }: Setup): Promise<Inputs> {
  const { tensors } = await readSafetensors(path);
  const values = (name: string) => {
    const found = tensors.get(name);
    if (found === undefined) throw new Error(`${path} has no tensor ${name}`);
    return Float32Array.from(found.data as Float32Array);
  };
  const tensor = (name: string, shape: readonly number[]) => tf.tensor(values(name), [...shape]);
  const known = weights === null ? null : (await readSafetensors(weights)).tensors;
  return { inputs: { values, tensor }, weights: known };
}

function productCases({ sizes, storage }: Setup): Runs {
  const factor = (seed: number) =>
    tf.tidy(() => tf.keep(castStorage(randomNormal([sizes.width, sizes.width], Key.of(seed)), storage)));
  const [x, weight] = [factor(1), factor(2)];
  return { product: () => linear(x, weight) };
}

async function measured(runs: Runs, { name, repeats, show }: Request): Promise<Answer> {
  const seconds: number[] = [];
  let values: number[] | undefined;
  resetPeakMemory();
  for (let repeat = 0; repeat < repeats; repeat++) {
    synchronize();
    const start = performance.now();
    const result = await runs[name]!();
    synchronize();
    seconds.push((performance.now() - start) / 1e3);
    if (show) values = Array.from(result.dataSync());
    result.dispose();
  }
  return { seconds, peak: memoryStatistics().peakBytes, ...(values && { values }) };
}

async function main(): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const setup = JSON.parse((await lines.next()).value) as Setup;
  const { device, threads, model } = setup;
  const { version } = await useEngine({ engine: 'torch', device, threads });
  const read = await readInputs(setup);
  const cases = { product: productCases, image: imageCases, language: languageCases };
  const runs = await cases[model](setup, read);
  const say = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`);
  say({ version });
  for (let line = await lines.next(); !line.done; line = await lines.next())
    say(await measured(runs, JSON.parse(line.value) as Request));
}

await main();
