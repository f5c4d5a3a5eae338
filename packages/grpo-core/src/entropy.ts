import * as tf from '@tensorflow/tfjs-core';
import { ConfigError } from '@thinkrl/spec';
import { GrpoError } from './error.ts';

/**
 * Marks the `share` of the batch's sampled tokens with the highest entropy (arXiv 2506.01939): 1 for those at or above
 * the `1 - share` quantile, linearly interpolated, 0 elsewhere: `[chains, tokens]`. Pass it as `selection`.
 *
 * @throws ConfigError when `share` is not in (0, 1].
 * @example
 * const selection = highEntropyTokens(entropies, mask, 0.2);
 */
export function highEntropyTokens(entropies: tf.Tensor2D, mask: tf.Tensor2D, share: number): tf.Tensor2D {
  if (!(share > 0 && share <= 1))
    throw new ConfigError({ field: 'share', value: share, fix: 'use a share of tokens above 0, at most 1' });
  if (!tf.util.arraysEqual(entropies.shape, mask.shape))
    throw new GrpoError('GRPO_SHAPE', {
      field: 'mask',
      found: mask.shape,
      fix: 'give the shape of entropies',
    });
  const values = Float32Array.from(entropies.dataSync());
  const active = mask.dataSync();
  const threshold = quantile(
    values.filter((_, at) => active[at] !== 0),
    1 - share,
  );
  const selected = values.map((value, at) => (active[at] !== 0 && value >= threshold ? 1 : 0));
  return tf.tensor2d(selected, entropies.shape);
}

/** The `q`-quantile of `values` with linear interpolation between order statistics. */
function quantile(values: Float32Array | readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}
