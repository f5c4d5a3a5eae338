import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { accompany, companionsOf, handleOf, many, one, operation } from '../storage.ts';
import { gradient, runKernel } from './gradient.ts';

const forward = operation('token_log_prob');
const backward = operation('token_log_prob_grad');

interface TokenLogProbInputs {
  readonly logits: TensorInfo;
  readonly ids: TensorInfo;
}

interface TokenLogProbGradInputs extends TokenLogProbInputs {
  readonly logProb: TensorInfo;
  readonly entropy: TensorInfo;
  readonly dLogProb: TensorInfo;
  readonly dEntropy: TensorInfo;
}

/**
 * Log-probability of the chosen token and entropy of the distribution, per row. logits: `[tokens, vocabulary]`, ids:
 * `[tokens]` int32; results: `[tokens]` each, in nats. Only the log-sum of each row is kept for the backward pass.
 */
export const tokenLogProb = kernel<TokenLogProbInputs>('TokenLogProb', ({ logits, ids }) => {
  const [logProb, entropy, sums] = many(forward, handleOf(logits), handleOf(ids));
  return [accompany(logProb!, [sums!]), entropy!];
});

/** d(logits) of {@link tokenLogProb} from the slopes of both results. */
export const tokenLogProbGrad = kernel<TokenLogProbGradInputs>('TokenLogProbGrad', (inputs) => {
  const { logits, ids, logProb, entropy, dLogProb, dEntropy } = inputs;
  const [sums] = companionsOf(logProb);
  const slopes = [handleOf(dLogProb), handleOf(dEntropy)] as const;
  return one(backward, handleOf(logits), handleOf(ids), handleOf(entropy), sums!, ...slopes);
});

/** Gradient of {@link tokenLogProb} for the tape. */
export const tokenLogProbGradient = gradient({
  kernelName: 'TokenLogProb',
  inputsToSave: ['logits', 'ids'],
  outputsToSave: [true, true],
  gradFunc: (slopes, saved) => {
    const [logits, ids, logProb, entropy] = saved as [Tensor, Tensor, Tensor, Tensor];
    const [dLogProb, dEntropy] = slopes as [Tensor, Tensor];
    const inputs = { logits, ids, logProb, entropy, dLogProb, dEntropy };
    return { logits: () => runKernel('TokenLogProbGrad', inputs)[0]! };
  },
});
