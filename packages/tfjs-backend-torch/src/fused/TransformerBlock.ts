import type { NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { accompany, companionsOf, handleOf, many, maybeHandle, operation } from '../storage.ts';
import { gradient, runKernel, together } from './gradient.ts';

const forward = operation('block');
const backward = operation('block_grad');

/** Inputs that have a gradient, in the order in which the addon takes and returns them. */
const differentiable = [
  'x',
  'pastKey',
  'pastValue',
  'attentionGain',
  'attentionBias',
  'qkvWeight',
  'qkvBias',
  'outputWeight',
  'outputBias',
  'attentionGate',
  'forwardGain',
  'forwardBias',
  'upWeight',
  'upBias',
  'downWeight',
  'downBias',
  'forwardGate',
] as const;

type BlockInputs = { readonly x: TensorInfo; readonly mask?: TensorInfo } & {
  readonly [name in (typeof differentiable)[number]]?: TensorInfo;
};

interface BlockAttributes {
  readonly heads: number;
  /** Only the last so many tokens ask; all unless given. */
  readonly targets?: number;
  readonly epsilon?: number;
  /** The past is a cache: the tokens' keys and values are written into it from this token on, in place. */
  readonly position?: number;
  /** Gives the tokens' own keys and values as well. */
  readonly giveKeyValues?: boolean;
  /** Keeps what the gradient needs. */
  readonly keep?: boolean;
}

interface BlockGradInputs {
  readonly y: TensorInfo;
  readonly dy: TensorInfo;
  readonly dKey?: TensorInfo;
  readonly dValue?: TensorInfo;
}

const defaultEpsilon = 1e-5;

/**
 * A pre-norm transformer block: `attended = x + attentionGate (attention(norm(x)) outputWeight^T + outputBias)`,
 * `y = attended + forwardGate (gelu(norm(attended) upWeight^T + upBias) downWeight^T + downBias)`.
 *
 * x: `[batch, T, width]`; pastKey, pastValue: `[batch, S, heads, width / heads]`, attended to before the tokens' own;
 * mask: bool or float32, broadcast to `[batch, heads, T, S + T]`; weights `[out, in]`; gains, biases and gates are vectors
 * and may be left out. y: `[batch, targets, width]`; with `giveKeyValues` also keys and values
 * `[batch, T, heads, width / heads]`.
 */
export const transformerBlock = kernel<BlockInputs, BlockAttributes>(
  'TransformerBlock',
  (inputs, attributes) => {
    const { heads, targets = 0, epsilon = defaultEpsilon, position = -1 } = attributes;
    const { giveKeyValues = false, keep = false } = attributes;
    const [x, ...others] = differentiable.map((name) => maybeHandle(inputs[name]));
    const tensors = [x!, maybeHandle(inputs.mask), ...others];
    const results = many(forward, ...tensors, heads, targets, epsilon, position, giveKeyValues, keep);
    const given = giveKeyValues ? 3 : 1;
    accompany(results[0]!, results.slice(given));
    return results.slice(0, given);
  },
);

/** Gradients of {@link transformerBlock} by all its inputs but the mask; empty for those it did not have. */
export const transformerBlockGrad = kernel<BlockGradInputs, BlockAttributes>(
  'TransformerBlockGrad',
  ({ y, dy, dKey, dValue }, { heads, epsilon = defaultEpsilon }) => {
    if (!(heads > 0)) throw new RangeError(`${heads} heads`);
    const slopes = [handleOf(dy), maybeHandle(dKey), maybeHandle(dValue)];
    return many(backward, ...slopes, ...companionsOf(y), heads, epsilon);
  },
);

/** Gradient of {@link transformerBlock} for the tape. */
export const transformerBlockGradient = gradient({
  kernelName: 'TransformerBlock',
  outputsToSave: [true, false, false],
  gradFunc: (slope, saved, attributes: NamedAttrMap) => {
    const [y] = saved as [Tensor];
    const [dy, dKey, dValue] = Array.isArray(slope) ? slope : [slope];
    const slopes = { y, dy: dy!, ...(dKey && { dKey }), ...(dValue && { dValue }) };
    const part = together(() => runKernel('TransformerBlockGrad', slopes, attributes));
    return Object.fromEntries(differentiable.map((name, index) => [name, () => part(index)]));
  },
});
