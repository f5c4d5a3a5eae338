import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { Key } from '@thinkrl/spec';

/** Uses the plain cpu engine, where every operation of nn is composed from core operations. */
export async function useCpu(): Promise<void> {
  await useEngine({ engine: 'cpu' });
}

/** Whether the torch engine is here; its fused kernels are then compared with the compositions. */
export async function torchIsHere(): Promise<boolean> {
  try {
    await useEngine({ engine: 'torch', threads: 1 });
    return true;
  } catch {
    return false;
  }
}

/** The engines to run on: the plain one always, torch where it is. */
export async function engines(): Promise<readonly ('cpu' | 'torch')[]> {
  const torch = await torchIsHere();
  return torch ? ['cpu', 'torch'] : ['cpu'];
}

/** Seeded normal values. */
export function values(shape: readonly number[], seed: number | string): tf.Tensor {
  const stream = Key.of(1).fold(seed).stream();
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => stream.normal());
  return tf.tensor(data, [...shape]);
}

/** Largest |a - b| relative to 1 + |b|. */
export function difference(a: tf.Tensor, b: tf.Tensor): number {
  return tf.tidy(() => tf.max(tf.div(tf.abs(tf.sub(a, b)), tf.add(1, tf.abs(b)))).dataSync()[0]!);
}
