import * as tf from '@tensorflow/tfjs-core';
import { ConfigError } from '@thinkrl/spec';
import { afterEach, describe, expect, it } from 'vitest';
import { diagnoseEngine, EngineError, useEngine } from '../src/index.ts';

afterEach(() => {
  delete process.env.THINKRL_TORCH_ADDON;
});

describe('without a compiled addon', () => {
  it('takes wasm with one line that says what to install', async () => {
    process.env.THINKRL_TORCH_ADDON = '/nowhere/thinkrl_torch.node';
    const notices: string[] = [];
    const report = await useEngine({ threads: 1, onNotice: (line) => notices.push(line) });
    expect(report.name).toBe('wasm');
    expect(tf.getBackend()).toBe('wasm');
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(/not built.*libtorch-dev.*using wasm/);
    expect(notices[0]).not.toContain('\n');
  });

  it('refuses torch by name and says why', async () => {
    process.env.THINKRL_TORCH_ADDON = '/nowhere/thinkrl_torch.node';
    await expect(useEngine({ engine: 'torch' })).rejects.toThrow(EngineError);
    await expect(useEngine({ engine: 'torch' })).rejects.toThrow(/engine torch: .*libtorch/);
  });

  it('lists what is missing', async () => {
    process.env.THINKRL_TORCH_ADDON = '/nowhere/thinkrl_torch.node';
    const { engine, missing } = await diagnoseEngine();
    expect(engine).toBe('wasm');
    expect(missing).toHaveLength(1);
  });
});

describe('a device', () => {
  it('is the CPU unless asked otherwise, and is reported', async () => {
    expect(await useEngine({ engine: 'torch', threads: 1 })).toMatchObject({ device: 'cpu', threads: 1 });
  });

  it('that is not there is refused in words that say why, also by auto', async () => {
    const none =
      /engine torch: setDevice: (this libtorch has no CUDA.*pip install torch|.*sees no GPU|there is no cuda:99)/;
    await expect(useEngine({ engine: 'torch', device: 'cuda:99' })).rejects.toThrow(none);
    await expect(useEngine({ device: 'cuda:99' })).rejects.toThrow(none);
    await expect(useEngine({ engine: 'torch', device: 'tpu' })).rejects.toThrow(EngineError);
    await expect(useEngine({ engine: 'wasm', device: 'cuda:0' })).rejects.toThrow(/no device cuda:0.*torch/);
    expect(await diagnoseEngine()).toMatchObject({ engine: 'torch', device: 'cpu' });
  });
});

describe('every engine', () => {
  it.each(['cpu', 'wasm', 'torch'] as const)('%s computes values and gradients', async (engine) => {
    const report = await useEngine({ engine, threads: 1 });
    expect(report.name).toBe(engine);
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    // d/dx sum(x x) = (x^T + x) for row and column sums: [[1+2+1+3, 3+4+1+3], [1+2+2+4, 3+4+2+4]].
    const gradient = tf.grad((a: tf.Tensor) => tf.sum(tf.matMul(a as tf.Tensor2D, a as tf.Tensor2D)))(x);
    expect(Array.from(await gradient.data())).toEqual([7, 11, 9, 13]);
  });

  it.each(['cpu', 'wasm', 'torch'] as const)(
    '%s differentiates a look-up, and leaks nothing',
    async (engine) => {
      await useEngine({ engine, threads: 1 });
      const table = tf.tensor2d([1, 2, 3, 4], [2, 2]);
      const rows = tf.tensor1d([1, 1, 0], 'int32');
      const before = tf.memory().numTensors;
      // Row 1 is looked up twice, row 0 once.
      const slope = tf.grad((x: tf.Tensor) => tf.sum(tf.gather(x, rows)))(table);
      expect(Array.from(await slope.data())).toEqual([1, 1, 2, 2]);
      slope.dispose();
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  it('is refused under an unknown name or without threads', async () => {
    await expect(useEngine({ engine: 'tpu' as 'cpu' })).rejects.toThrow(ConfigError);
    await expect(useEngine({ threads: 0 })).rejects.toThrow(/threads is 0/);
  });
});
