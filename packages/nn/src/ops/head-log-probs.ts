import type * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from './fused.ts';
import { linear } from './linear.ts';
import { composedTokenLogProbs, type TokenLogProbs } from './token-log-probs.ts';

/** What makes the logits: `hidden · weightᵀ + bias`. */
export interface LanguageHead {
  /** `[rows, size]`. */
  readonly hidden: tf.Tensor2D;
  /** `[vocabulary, size]`. */
  readonly weight: tf.Tensor2D;
  /** `[vocabulary]`. */
  readonly bias?: tf.Tensor1D | undefined;
  /** Weight and bias are not trained: saves the work of their gradients, which they then do not have. */
  readonly frozen?: boolean;
}

/**
 * Log-softmax of the logits of `head` at `ids [rows]` (int32), and each row's entropy. Where the engine has a kernel for
 * it, logits exist for a part of the rows at a time and are never kept.
 *
 * @example
 * const { logProbs, entropies } = headLogProbs({ hidden, weight }, ids);
 */
export function headLogProbs(head: LanguageHead, ids: tf.Tensor1D): TokenLogProbs {
  if (!hasKernel('HeadLogProb')) return composedHeadLogProbs(head, ids);
  const { frozen = false, ...tensors } = head;
  const [logProbs, entropies] = runFused('HeadLogProb', { ...tensors, ids }, { frozen }) as tf.Tensor1D[];
  return { logProbs: logProbs!, entropies: entropies! };
}

/** {@link headLogProbs} from core operations, with all logits at once. */
export function composedHeadLogProbs(
  { hidden, weight, bias }: LanguageHead,
  ids: tf.Tensor1D,
): TokenLogProbs {
  return composedTokenLogProbs(linear(hidden, weight, bias), ids);
}
