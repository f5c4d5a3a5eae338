import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { memoryStatistics, TorchDisposedError, TorchKernelError } from '../src/index.ts';
import { random, run, runAll, useTorch, values } from './torch.ts';

beforeAll(useTorch);

/** One training step of a small net through every fused kernel. */
function step(): void {
  tf.tidy(() => {
    const x = random([2, 6, 8], 1);
    const weight = random([8, 8], 2);
    const gain = tf.ones([8]);
    const ids = tf.tensor1d(new Array(12).fill(3), 'int32');
    const loss = (w: tf.Tensor, g: tf.Tensor) => {
      const h = run('LayerNorm', { x, gain: g }, { epsilon: 1e-5 });
      const packed = tf.reshape(run('Linear', { x: h, weight: w }), [2, 6, 2, 4]);
      const y = run('Attention', { query: packed, key: packed, value: packed }, { scale: 0.5, causal: true });
      const z = run('RmsNorm', {
        x: run('Gelu', { x: run('Silu', { x: tf.reshape(y, [12, 8]) }) }),
        gain: g,
      });
      const [logProb, entropy] = runAll('TokenLogProb', { logits: z, ids });
      return tf.sum(tf.add(logProb!, entropy!)) as tf.Scalar;
    };
    tf.grads(loss)([weight, gain]);
  });
}

describe('lifetime', () => {
  it('leaves tensors, native slots and bytes as they were after a training step', () => {
    step();
    const before = { ...tf.memory(), ...memoryStatistics() };
    for (let i = 0; i < 20; i++) step();
    expect({ ...tf.memory(), ...memoryStatistics(), peakBytes: before.peakBytes }).toEqual(before);
  });

  it('frees a tensor when it is disposed, and a shared one when its last owner is', () => {
    const before = memoryStatistics();
    const x = tf.zeros([1024]);
    const same = tf.clone(x);
    expect(memoryStatistics().allocatedBytes - before.allocatedBytes).toBe(4096);
    x.dispose();
    expect(memoryStatistics().tensors).toBe(before.tensors + 1);
    same.dispose();
    expect(memoryStatistics()).toMatchObject({
      tensors: before.tensors,
      allocatedBytes: before.allocatedBytes,
    });
  });

  it('shares storage between a tensor and its views', () => {
    const x = tf.zeros([64, 64]);
    const before = memoryStatistics().allocatedBytes;
    const views = [tf.reshape(x, [4096]), tf.transpose(x), tf.slice(x, [1, 2], [3, 4]), ...tf.unstack(x)];
    expect(memoryStatistics().allocatedBytes).toBe(before);
    tf.dispose([x, ...views]);
  });

  it('brings data over from another engine and back', async () => {
    await import('@tensorflow/tfjs-backend-cpu');
    await tf.setBackend('cpu');
    const x = tf.tensor1d([1, 2, 3]);
    await tf.setBackend('torch');
    const y = tf.neg(x);
    expect(values(y)).toEqual([-1, -2, -3]);
    await tf.setBackend('cpu');
    expect(values(tf.add(x, y))).toEqual([0, 0, 0]);
    await tf.setBackend('torch');
    tf.disposeVariables();
    tf.dispose([x, y]);
  });
});

describe('faults', () => {
  it('names operation, shapes and dtypes, and goes on working', () => {
    const wrong = () => run('Linear', { x: tf.ones([2, 3]), weight: tf.ones([4, 5]) });
    expect(wrong).toThrow(TorchKernelError);
    expect(wrong).toThrow(
      'linear: x has 3 features, the weight takes 5 (inputs: float32 [2,3], float32 [4,5])',
    );
    expect(() => tf.engine().runKernel('Add', { a: tf.ones([2, 3]), b: tf.ones([4], 'int32') })).toThrow(
      /add: .*size.*\(inputs: float32 \[2,3\], int32 \[4\]\)/,
    );
    expect(values(tf.add(1, 2))).toEqual([3]);
  });

  it('survives an allocation far beyond memory', () => {
    expect(() => tf.fill([1 << 20, 1 << 20], 1)).toThrow(
      /fill: .*(out of memory: cannot allocate 4398046511104 bytes|CUDA out of memory)/,
    );
    expect(() => run('Attention', { query: tf.ones([2]), key: tf.ones([2]), value: tf.ones([2]) })).toThrow(
      /rank 4/,
    );
    expect(values(tf.add(1, 2))).toEqual([3]);
  });

  it('refuses disposed tensors', () => {
    const x = tf.ones([2]);
    const { dataId } = x;
    x.dispose();
    const use = () => tf.engine().runKernel('Neg', { x: { dataId, shape: [2], dtype: 'float32' } as never });
    expect(use).toThrow(TorchDisposedError);
    expect(values(tf.neg(1))).toEqual([-1]);
  });

  it('refuses ids outside the vocabulary and indices outside the table', () => {
    const ids = tf.tensor1d([7], 'int32');
    expect(() => run('TokenLogProb', { logits: tf.ones([1, 3]), ids })).toThrow(
      /token_log_prob: an id is outside 0\.\.2/,
    );
    expect(() => tf.gather(tf.ones([3, 2]), ids)).toThrow(/the index value 7 is not in \[0, 2\]/);
  });

  it('passes NaN through every fused kernel without failing', () => {
    const x = tf.fill([1, 2, 1, 4], Number.NaN);
    const flat = tf.reshape(x, [2, 4]);
    const gain = tf.ones([4]);
    const results = [
      run('Attention', { query: x, key: x, value: x }),
      run('LayerNorm', { x: flat, gain }),
      run('RmsNorm', { x: flat, gain }),
      run('Linear', { x: flat, weight: tf.ones([1, 4]) }),
      run('Gelu', { x: flat }),
      run('Silu', { x: flat }),
      ...runAll('TokenLogProb', { logits: flat, ids: tf.tensor1d([0, 1], 'int32') }),
      run('GlobalNorm', { tensors: [flat] }),
    ];
    for (const result of results) expect(values(result).every(Number.isNaN)).toBe(true);
  });
});
