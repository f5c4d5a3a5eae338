import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { findBackend, registerBackend, removeBackend } from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { EngineError, useEngine } from '../src/index.ts';
import { startTensorFlow } from '../src/tensorflow.ts';

/** A `require` that finds these packages alone. */
function installed(packages: Readonly<Record<string, () => object>>): (name: string) => unknown {
  return (name) => {
    const found = packages[name];
    if (found !== undefined) return found();
    throw Object.assign(new Error(`Cannot find module '${name}'\nRequire stack:`), {
      code: 'MODULE_NOT_FOUND',
    });
  };
}

function register(): object {
  registerBackend('tensorflow', () => new MathBackendCPU());
  return { version: { 'tfjs-node': '4.22.0' } };
}

afterEach(() => {
  if (findBackend('tensorflow') !== null) removeBackend('tensorflow');
});

describe('engine tensorflow', () => {
  it('that is not installed says what to install', async () => {
    const asked = useEngine({ engine: 'tensorflow', threads: 1 });
    await expect(asked).rejects.toThrow(EngineError);
    await expect(asked).rejects.toThrow(
      /neither package is installed: npm install @tensorflow\/tfjs-node-gpu/,
    );
  });

  it('is the package for the CPU where the one for GPUs is not there', async () => {
    const report = await startTensorFlow(2, installed({ '@tensorflow/tfjs-node': register }));
    const [version, origin] = ['4.22.0', '@tensorflow/tfjs-node'];
    expect(report).toEqual({ name: 'tensorflow', version, origin, threads: 2, device: 'cpu' });
  });

  it('that is broken says so with the reason, and is not passed over for the other', async () => {
    const broken = () => {
      throw new Error('libtensorflow.so.2: cannot open shared object file\nat Object.<anonymous>');
    };
    const load = installed({ '@tensorflow/tfjs-node-gpu': broken, '@tensorflow/tfjs-node': register });
    const message =
      '@tensorflow/tfjs-node-gpu is installed but does not load (libtensorflow.so.2: cannot open';
    await expect(startTensorFlow(1, load)).rejects.toThrow(message);
  });

  it('does not take a module that a package misses for the package itself', async () => {
    const load = installed({ '@tensorflow/tfjs-node-gpu': () => load('napi_bindings') as object });
    await expect(startTensorFlow(1, load)).rejects.toThrow(
      /does not load \(Cannot find module 'napi_bindings'/,
    );
  });

  it('with another tfjs-core than ours is refused', async () => {
    await expect(startTensorFlow(1, installed({ '@tensorflow/tfjs-node': () => ({}) }))).rejects.toThrow(
      /a tfjs-core of its own/,
    );
  });
});
