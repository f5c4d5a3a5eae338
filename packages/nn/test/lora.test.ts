import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { ConfigError, Key } from '@thinkrl/spec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  castStorage,
  checkpoint,
  gradients,
  Linear,
  LoraAdapter,
  Module,
  noGrad,
  StorageError,
  storeParameters,
  TransformerBlock,
} from '../src/index.ts';
import { difference, gradientError, torchIsHere, useCpu, values } from './engine.ts';

const key = Key.of(5);
const engines = (await torchIsHere()) ? (['cpu', 'torch'] as const) : (['cpu'] as const);

class Pair extends Module {
  readonly first = this.child('first', new Linear({ inputs: 3, outputs: 4, key: key.fold('first') }));
  readonly second = this.child('deep.second', new Linear({ inputs: 4, outputs: 2, key: key.fold('second') }));

  forward(x: tf.Tensor): tf.Tensor {
    return this.second.forward(tf.tanh(this.first.forward(x)));
  }
}

/** An adapter whose second matrices are not the zeros they start as. */
function attached(model: Module, targets: readonly string[], seed = 'b', rank = 2): LoraAdapter {
  const adapter = LoraAdapter.attach(model, { rank, alpha: 3, targets, key: key.fold(seed) });
  for (const [name, variable] of adapter.parameters())
    if (name.endsWith('lora_B.weight')) variable.assign(values(variable.shape, `${seed}/${name}`));
  return adapter;
}

it.runIf(engines.length > 1)('starts from the same numbers on every engine, as its key decides', async () => {
  const starts = new Map<string, Float32Array>();
  for (const engine of engines) {
    await useEngine({ engine, threads: 1 });
    for (const seed of [1, 2]) {
      const layer = new Linear({ inputs: 33, outputs: 2, key });
      const model = new (class extends Module {
        readonly only = this.child('only', layer);
      })();
      const adapter = LoraAdapter.attach(model, { rank: 3, alpha: 1, targets: ['only'], key: Key.of(seed) });
      const start = adapter.parameters().get('only.lora_A.weight')!;
      starts.set(`${engine} ${seed}`, start.dataSync() as Float32Array);
    }
  }
  await useCpu();
  const gap = (a: string, b: string) =>
    Math.max(...starts.get(a)!.map((value, i) => Math.abs(value - starts.get(b)![i]!)));
  expect(gap('cpu 1', 'torch 1')).toBeLessThan(1e-6);
  expect(gap('cpu 1', 'cpu 2')).toBeGreaterThan(0.1);
});

describe.each(engines)('LoRA on %s', (engine) => {
  beforeAll(async () => {
    await useEngine({ engine, threads: 1 });
  });
  afterAll(useCpu);

  it('adds alpha / rank times B A x, by hand', () => {
    const layer = new (class extends Module {
      readonly only = this.child('only', new Linear({ inputs: 2, outputs: 2, key }));
    })();
    layer.only.weight.assign(tf.tensor2d([1, 2, 3, 4], [2, 2]));
    layer.only.bias!.assign(tf.tensor1d([10, 20]));
    const adapter = LoraAdapter.attach(layer, { rank: 1, alpha: 3, targets: ['only'], key });
    adapter
      .parameters()
      .get('only.lora_A.weight')!
      .assign(tf.tensor2d([[1, -1]]));
    adapter
      .parameters()
      .get('only.lora_B.weight')!
      .assign(tf.tensor2d([[5], [7]]));
    // x = (1, 3): W x + b = (17, 35), A x = -2, 3 B A x = (-30, -42).
    const x = tf.tensor2d([[1, 3]]);
    expect([...layer.only.forward(x).dataSync()]).toEqual([-13, -7]);
    expect([...adapter.without(() => layer.only.forward(x)).dataSync()]).toEqual([17, 35]);
    expect([...layer.only.effectiveWeight().dataSync()]).toEqual([16, -13, 24, -17]);
  });

  it('starts as no change, names parameters by place and frees them', () => {
    const model = new Pair();
    const x = values([5, 3], 'x');
    const before = model.forward(x);
    const count = tf.memory().numTensors;
    const adapter = LoraAdapter.attach(model, { rank: 64, alpha: 128, targets: ['first', 'second'], key });
    expect([...adapter.parameters().keys()]).toEqual([
      'first.lora_A.weight',
      'first.lora_B.weight',
      'deep.second.lora_A.weight',
      'deep.second.lora_B.weight',
    ]);
    expect([...model.parameters().keys()].some((name) => name.includes('lora'))).toBe(false);
    const start = adapter.parameters().get('first.lora_A.weight')!;
    // 192 draws of deviation 1 / 64: their own deviation is within a fifth of that.
    const deviation = tf.tidy(() => tf.sqrt(tf.moments(start).variance).dataSync()[0]!);
    expect(Math.abs(deviation * 64 - 1)).toBeLessThan(0.2);
    expect(tf.tidy(() => difference(model.forward(x), before))).toBe(0);
    adapter.dispose();
    expect(tf.memory().numTensors).toBe(count);
  });

  it('has the gradients that central differences give, for inputs and adapters', () => {
    const model = new Pair();
    const adapter = attached(model, ['first', 'second']);
    const x = values([2, 3], 'x');
    expect(gradientError((input) => model.forward(input!), [x])).toBeLessThan(1e-2);
    for (const variable of adapter.parameters().values()) {
      const start = tf.clone(variable);
      const loss = (weight: tf.Tensor) => {
        variable.assign(weight);
        return tf.sum(tf.square(model.forward(x))) as tf.Scalar;
      };
      const { grads } = tf.variableGrads(() => tf.sum(tf.square(model.forward(x))) as tf.Scalar, [variable]);
      const gradient = grads[variable.name]!.dataSync();
      const direction = values(variable.shape, 'direction');
      const along = tf.sum(tf.mul(tf.tensor(gradient, variable.shape), direction)).dataSync()[0]!;
      const at = (step: number) => loss(tf.add(start, tf.mul(direction, step))).dataSync()[0]!;
      expect((at(1e-2) - at(-1e-2)) / 2e-2 / along).toBeCloseTo(1, 1);
      variable.assign(start);
    }
  });

  it('gives only its own parameters a gradient, also through checkpointing', () => {
    const model = new Pair();
    const adapter = attached(model, ['first']);
    const x = values([2, 3], 'x');
    const parameters = [...adapter.parameters().values()];
    const remembered = checkpoint((input) => model.forward(input!), parameters);
    const [plain, checked] = [model.forward.bind(model), remembered].map((fn) =>
      gradients(() => ({ loss: tf.sum(tf.square(fn(x))) as tf.Scalar }), adapter.parameters()),
    );
    for (const [name, gradient] of plain!.gradients)
      expect(difference(checked!.gradients.get(name)!, gradient)).toBeLessThan(1e-6);
    expect(plain!.gradients.size).toBe(2);
  });

  it('computes the same merged, unmerged, and where kernels take weights', () => {
    const block = new TransformerBlock({ size: 4, heads: 2, key });
    const x = values([2, 3, 4], 'x') as tf.Tensor3D;
    const plain = block.forward(x);
    const adapter = attached(block, ['qkv', 'output', 'up', 'down']);
    const adapted = block.forward(x);
    expect(difference(adapted, plain)).toBeGreaterThan(1e-2);
    adapter.merge();
    adapter.merge();
    expect(difference(block.forward(x), adapted)).toBeLessThan(1e-5);
    expect(() => adapter.without(() => block.forward(x))).toThrow(StorageError);
    adapter.unmerge();
    expect(difference(block.forward(x), adapted)).toBeLessThan(1e-5);
    expect(
      difference(
        adapter.without(() => block.forward(x)),
        plain,
      ),
    ).toBeLessThan(1e-5);
  });

  it('adds up several adapters, each switched by itself', () => {
    const model = new Pair();
    const x = values([2, 3], 'x');
    const first = attached(model, ['first'], 'one');
    const one = model.forward(x);
    const second = attached(model, ['first', 'second'], 'two', 1);
    expect(difference(model.forward(x), one)).toBeGreaterThan(1e-2);
    expect(
      difference(
        second.without(() => model.forward(x)),
        one,
      ),
    ).toBe(0);
    second.active = false;
    first.merge();
    expect(difference(model.forward(x), one)).toBeLessThan(1e-6);
    second.active = true;
    second.merge();
    second.dispose();
    first.unmerge();
    expect(
      difference(
        first.without(() => model.forward(x)),
        one,
      ),
    ).toBeGreaterThan(1e-2);
  });

  it('is a reference policy under noGrad while the policy is on the tape', () => {
    const model = new Pair();
    const adapter = attached(model, ['first']);
    const x = values([2, 3], 'x');
    const loss = () => {
      const reference = noGrad(() => adapter.without(() => model.forward(x)));
      return tf.sum(tf.square(tf.sub(model.forward(x), reference))) as tf.Scalar;
    };
    const { loss: distance, gradients: found } = gradients(() => ({ loss: loss() }), adapter.parameters());
    expect(distance.dataSync()[0]).toBeGreaterThan(1e-3);
    expect(found.size).toBe(2);
  });

  it('keeps the storage of what it is applied to', () => {
    const model = new Pair();
    storeParameters(model.parameters(), 'bfloat16');
    const adapter = attached(model, ['first', 'second']);
    const x = castStorage(values([4, 3], 'x'), 'bfloat16');
    const y = model.first.forward(x);
    const stored = tf.add(tf.onesLike(y), tf.scalar(2 ** -9)).dataSync()[0];
    expect(stored === 1).toBe(engine === 'torch');
    const wide = new Pair();
    const parameters = model.parameters();
    for (const [name, variable] of wide.parameters())
      variable.assign(castStorage(parameters.get(name)! as tf.Tensor, 'float32'));
    const same = attached(wide, ['first', 'second']);
    expect(difference(model.forward(x), wide.forward(castStorage(x, 'float32')))).toBeLessThan(3e-2);
    adapter.merge();
    same.merge();
    expect(difference(model.first.weight, wide.first.weight)).toBeLessThan(2 ** -8);
  });

  it('refuses targets, places and numbers that cannot be', async () => {
    const model = new Pair();
    const attach = (change: object) =>
      LoraAdapter.attach(model, { rank: 2, alpha: 2, targets: ['first'], key, ...change });
    expect(() => attach({ targets: ['irst'] })).toThrow(/targets.*irst.*deep.second/s);
    expect(() => attach({ targets: [] })).toThrow(ConfigError);
    expect(() => attach({ rank: 1.5 })).toThrow(/rank/);
    expect(() => attach({ alpha: Number.NaN })).toThrow(/alpha/);
    const layers = new Map([['deep', { rank: 1, alpha: 1 }]]);
    expect(() => LoraAdapter.attachLayers(model, layers, key)).toThrow(/layers.*deep/s);
    const adapter = attach({});
    expect(() => adapter.without(async () => 1)).toThrow(StorageError);
    expect(adapter.active).toBe(true);
  });
});
