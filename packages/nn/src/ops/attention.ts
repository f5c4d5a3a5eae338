import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from './fused.ts';

/** What {@link attention} works on. */
export interface AttentionInputs {
  /** `[batch, targets, heads, size]`. */
  readonly query: tf.Tensor4D;
  /** `[batch, sources, heads, size]`. */
  readonly key: tf.Tensor4D;
  /** `[batch, sources, heads, size]`. */
  readonly value: tf.Tensor4D;
  /** Bool `[batch | 1, heads | 1, targets | 1, sources]`: true where a target may attend. Every target needs one source. */
  readonly mask?: tf.Tensor | undefined;
  /** A target attends to sources up to its own position, counted from the end when there are more sources. */
  readonly causal?: boolean;
  /** Factor on the scores; 1 / sqrt(size) unless given. */
  readonly scale?: number;
}

/** Scaled dot-product attention (Vaswani et al. 2017, eq. 1), `[batch, targets, heads, size]`. */
export function attention(inputs: AttentionInputs): tf.Tensor4D {
  if (!hasKernel('Attention')) return composedAttention(inputs);
  const { query, key, value, mask, causal = false } = inputs;
  const scale = inputs.scale ?? 1 / Math.sqrt(query.shape[3]);
  return runFused('Attention', { query, key, value, mask }, { scale, causal })[0] as tf.Tensor4D;
}

const MINUS_INFINITY = -1e30;

/** {@link attention} from core operations. */
export function composedAttention(inputs: AttentionInputs): tf.Tensor4D {
  const { query, key, value, mask, causal = false } = inputs;
  const scale = inputs.scale ?? 1 / Math.sqrt(query.shape[3]);
  const heads = (x: tf.Tensor4D) => tf.transpose(x, [0, 2, 1, 3]);
  let scores: tf.Tensor = tf.mul(tf.matMul(heads(query), heads(key), false, true), scale);
  if (mask !== undefined) scores = tf.add(scores, forbid(mask));
  if (causal) scores = tf.add(scores, forbid(causalMask(query.shape[1], key.shape[1])));
  return heads(tf.matMul(tf.softmax(scores), heads(value)) as tf.Tensor4D) as tf.Tensor4D;
}

function forbid(mask: tf.Tensor): tf.Tensor {
  return tf.mul(tf.sub(1, tf.cast(mask, 'float32')), MINUS_INFINITY);
}

function causalMask(targets: number, sources: number): tf.Tensor2D {
  const offset = sources - targets;
  const allowed = new Uint8Array(targets * sources);
  for (let t = 0; t < targets; t++)
    allowed.fill(1, t * sources, t * sources + Math.min(sources, t + offset + 1));
  return tf.tensor2d(allowed, [targets, sources], 'bool');
}
