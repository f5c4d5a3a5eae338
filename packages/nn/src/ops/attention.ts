import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from './fused.ts';

/** What {@link attention} works on. */
export interface AttentionInputs {
  /** `[batch, targets, heads, size]`. */
  readonly query: tf.Tensor4D;
  /** `[batch, sources, key heads, size]`; key heads divide heads, each serving as many neighbouring query heads. */
  readonly key: tf.Tensor4D;
  /** `[batch, sources, key heads, size]`. */
  readonly value: tf.Tensor4D;
  /**
   * `[batch | 1, heads | 1, targets | 1, sources]`: bool, true where a target may attend, or float32, finite, added to the
   * scores. A target that may attend to nothing gives zeros.
   */
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
  const { query, mask } = inputs;
  const scale = inputs.scale ?? 1 / Math.sqrt(query.shape[3]);
  const heads = (x: tf.Tensor4D) => tf.transpose(x, [0, 2, 1, 3]);
  const [key, value] = [inputs.key, inputs.value].map((x) => heads(repeatedHeads(x, query.shape[2])));
  const scores = tf.mul(tf.matMul(heads(query), key!, false, true), scale);
  const visible = visibility(inputs);
  const added = mask !== undefined && mask.dtype !== 'bool' ? tf.add(scores, mask) : scores;
  if (visible === undefined) return heads(tf.matMul(tf.softmax(added), value!) as tf.Tensor4D) as tf.Tensor4D;
  const forbidden = tf.mul(tf.sub(1, visible), MINUS_INFINITY);
  const chances = tf.mul(tf.softmax(tf.add(added, forbidden)), visible);
  return heads(tf.matMul(chances, value!) as tf.Tensor4D) as tf.Tensor4D;
}

/** 1 where a target may attend and 0 elsewhere; undefined where all may attend to all. */
function visibility({ query, key, mask, causal = false }: AttentionInputs): tf.Tensor | undefined {
  const bits = mask?.dtype === 'bool' ? tf.cast(mask, 'float32') : undefined;
  if (!causal) return bits;
  const earlier = causalMask(query.shape[1], key.shape[1]);
  return bits === undefined ? earlier : tf.mul(bits, earlier);
}

/** Each head as often as query heads share it. */
function repeatedHeads(x: tf.Tensor4D, heads: number): tf.Tensor4D {
  const [batch, sources, keyHeads, size] = x.shape;
  if (keyHeads === heads) return x;
  const apart = tf.reshape(x, [batch, sources, keyHeads, 1, size]);
  return tf.reshape(tf.mul(apart, tf.ones([heads / keyHeads, 1])), [batch, sources, heads, size]);
}

function causalMask(targets: number, sources: number): tf.Tensor2D {
  const offset = sources - targets;
  const allowed = new Float32Array(targets * sources);
  for (let t = 0; t < targets; t++)
    allowed.fill(1, t * sources, t * sources + Math.max(0, Math.min(sources, t + offset + 1)));
  return tf.tensor2d(allowed, [targets, sources]);
}
