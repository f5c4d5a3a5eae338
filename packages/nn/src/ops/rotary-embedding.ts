import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from './fused.ts';

/** Cosines and sines of the angles per token and pair of features, `[tokens, size / 2]` or `[batch, tokens, size / 2]`. */
export interface RotaryTables {
  readonly cosine: tf.Tensor;
  readonly sine: tf.Tensor;
}

/** Which features make a pair. */
export interface RotaryOptions {
  /** Neighbours (2 i, 2 i + 1), as in Qwen-Image; unless given, the halves (i, i + size / 2), as in Qwen2.5-VL. */
  readonly interleaved?: boolean;
}

/**
 * Rotary position embedding (Su et al. 2021): turns pairs of features of `x [batch, tokens, heads, size]` by the angles of
 * the tables, which get no gradient.
 *
 * @example
 * const query = rotaryEmbedding(q, { cosine: tf.cos(angles), sine: tf.sin(angles) }, { interleaved: true });
 */
export function rotaryEmbedding(
  x: tf.Tensor4D,
  tables: RotaryTables,
  { interleaved = false }: RotaryOptions = {},
): tf.Tensor4D {
  if (!hasKernel('RotaryEmbedding')) return composedRotaryEmbedding(x, tables, { interleaved });
  return runFused('RotaryEmbedding', { x, ...tables }, { interleaved })[0] as tf.Tensor4D;
}

/** {@link rotaryEmbedding} from core operations. */
export function composedRotaryEmbedding(
  x: tf.Tensor4D,
  tables: RotaryTables,
  { interleaved = false }: RotaryOptions = {},
): tf.Tensor4D {
  const [batch, tokens, heads, size] = x.shape;
  const half = size / 2;
  const [a, b] = interleaved
    ? tf.unstack(tf.reshape(x, [batch, tokens, heads, half, 2]), 4)
    : tf.split(x as tf.Tensor, 2, 3);
  const [cosine, sine] = [tables.cosine, tables.sine].map((table) =>
    tf.reshape(table, [-1, tokens, 1, half]),
  );
  const first = tf.sub(tf.mul(a!, cosine!), tf.mul(b!, sine!));
  const second = tf.add(tf.mul(b!, cosine!), tf.mul(a!, sine!));
  if (!interleaved) return tf.concat([first, second], 3) as tf.Tensor4D;
  return tf.reshape(tf.stack([first, second], 4), x.shape);
}
