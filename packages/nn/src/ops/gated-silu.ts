import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from './fused.ts';
import { composedSilu } from './silu.ts';

/** `silu(gate) · up`, elementwise: the middle of a gated feed-forward layer (Shazeer 2020). */
export function gatedSilu<T extends tf.Tensor>(gate: T, up: T): T {
  if (hasKernel('GatedSilu')) return runFused('GatedSilu', { gate, up })[0] as T;
  return composedGatedSilu(gate, up);
}

/** {@link gatedSilu} from core operations. */
export function composedGatedSilu<T extends tf.Tensor>(gate: T, up: T): T {
  return tf.mul(composedSilu(gate), up) as T;
}
