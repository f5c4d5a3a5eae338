import type { NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { accompany, companionsOf, handleOf, many, maybeHandle, one, operation } from '../storage.ts';
import { gradient, runKernel, together } from './gradient.ts';

const forward = operation('head_log_prob');
const backward = operation('head_log_prob_grad');
const alias = operation('alias');

interface HeadLogProbInputs {
  readonly hidden: TensorInfo;
  readonly weight: TensorInfo;
  readonly bias?: TensorInfo;
  readonly ids: TensorInfo;
}

interface HeadLogProbAttributes {
  /** Leaves out the gradients of weight and bias, which cost as much as all the rest. */
  readonly frozen?: boolean;
}

interface HeadLogProbGradInputs extends Omit<HeadLogProbInputs, 'bias'> {
  readonly logProb: TensorInfo;
  readonly entropy: TensorInfo;
  readonly dLogProb: TensorInfo;
  readonly dEntropy: TensorInfo;
}

/**
 * Log-probability of the chosen token and entropy of the distribution whose logits are `hidden weight^T + bias`, per row.
 * hidden: `[tokens, width]`, weight: `[vocabulary, width]`, bias: `[vocabulary]`, ids: `[tokens]` int32; results:
 * `[tokens]` each, in nats. Logits exist for some of the tokens at a time only, and again in the backward pass.
 */
export const headLogProb = kernel<HeadLogProbInputs, HeadLogProbAttributes>(
  'HeadLogProb',
  ({ hidden, weight, bias, ids }) => {
    const tensors = [handleOf(hidden), handleOf(weight), maybeHandle(bias), handleOf(ids)];
    const [logProb, entropy, sums] = many(forward, ...tensors);
    return [accompany(logProb!, bias == null ? [sums!] : [sums!, one(alias, handleOf(bias))]), entropy!];
  },
);

/** d(hidden) of {@link headLogProb} from the slopes of both results, and d(weight), d(bias) unless it is frozen. */
export const headLogProbGrad = kernel<HeadLogProbGradInputs, HeadLogProbAttributes>(
  'HeadLogProbGrad',
  (inputs, attributes) => {
    const { hidden, weight, ids, logProb, entropy, dLogProb, dEntropy } = inputs;
    const [sums, bias = -1] = companionsOf(logProb);
    const head = [handleOf(hidden), handleOf(weight), bias, handleOf(ids)];
    const slopes = [handleOf(entropy), sums!, handleOf(dLogProb), handleOf(dEntropy)];
    return many(backward, ...head, ...slopes, attributes?.frozen === true);
  },
);

/** Gradient of {@link headLogProb} for the tape. */
export const headLogProbGradient = gradient({
  kernelName: 'HeadLogProb',
  inputsToSave: ['hidden', 'weight', 'ids'],
  outputsToSave: [true, true],
  gradFunc: (slopes, saved, attributes: NamedAttrMap) => {
    const [hidden, weight, ids, logProb, entropy] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const [dLogProb, dEntropy] = slopes as [Tensor, Tensor];
    const inputs = { hidden, weight, ids, logProb, entropy, dLogProb, dEntropy };
    const part = together(() => runKernel('HeadLogProbGrad', inputs, attributes));
    const all = { hidden: () => part(0), weight: () => part(1), bias: () => part(2) };
    return attributes.frozen === true ? { hidden: all.hidden } : all;
  },
});
