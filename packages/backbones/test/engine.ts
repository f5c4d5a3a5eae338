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

/**
 * Largest error of the gradient of sum(weights · fn(...inputs)) against central differences, relative to the largest
 * gradient.
 */
export function gradientError(
  fn: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[],
  step = 1e-2,
): number {
  const weights = values(fn(...inputs).shape, 'weights');
  const loss = (...x: tf.Tensor[]) => tf.sum(tf.mul(fn(...x), weights)) as tf.Scalar;
  const analytic = tf.grads(loss)([...inputs]);
  let worst = 0;
  let largest = 1e-3;
  inputs.forEach((input, index) => {
    const base = Float32Array.from(input.dataSync());
    const gradient = analytic[index]!.dataSync();
    for (let i = 0; i < base.length; i++) {
      const at = (delta: number) => {
        const moved = base.slice();
        moved[i] = moved[i]! + delta;
        return tf.tidy(() => {
          const x = inputs.map((other, k) => (k === index ? tf.tensor(moved, input.shape) : other));
          return loss(...x).dataSync()[0]!;
        });
      };
      const numeric = (at(step) - at(-step)) / (2 * step);
      worst = Math.max(worst, Math.abs(numeric - gradient[i]!));
      largest = Math.max(largest, Math.abs(numeric));
    }
  });
  return worst / largest;
}
