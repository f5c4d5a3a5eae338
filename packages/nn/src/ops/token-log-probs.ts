import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from './fused.ts';

/** Log-probability of one token per row and the entropy of the row's distribution, nats: each `[rows]`. */
export interface TokenLogProbs {
  readonly logProbs: tf.Tensor1D;
  readonly entropies: tf.Tensor1D;
}

/** Log-softmax of `logits [rows, vocabulary]` at `ids [rows]` (int32), and each row's entropy. */
export function tokenLogProbs(logits: tf.Tensor2D, ids: tf.Tensor1D): TokenLogProbs {
  if (!hasKernel('TokenLogProb')) return composedTokenLogProbs(logits, ids);
  const [logProbs, entropies] = runFused('TokenLogProb', { logits, ids }) as tf.Tensor1D[];
  return { logProbs: logProbs!, entropies: entropies! };
}

/** {@link tokenLogProbs} from core operations. */
export function composedTokenLogProbs(logits: tf.Tensor2D, ids: tf.Tensor1D): TokenLogProbs {
  const all = tf.logSoftmax(logits);
  const chosen = tf.oneHot(ids, logits.shape[1]);
  return {
    logProbs: tf.sum(tf.mul(all, tf.cast(chosen, 'float32')), -1),
    entropies: tf.neg(tf.sum<tf.Tensor1D>(tf.mul(tf.exp(all), all), -1)),
  };
}
