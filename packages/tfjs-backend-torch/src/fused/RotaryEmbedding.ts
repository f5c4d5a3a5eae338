import type { NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';
import { gradient, runKernel } from './gradient.ts';

const rotate = operation('rotary');

interface RotaryInputs {
  readonly x: TensorInfo;
  readonly cosine: TensorInfo;
  readonly sine: TensorInfo;
}

interface RotaryAttributes {
  /** Whether pair i is (2 i, 2 i + 1), as in Qwen-Image, or (i, i + width / 2), as in Qwen2.5-VL. */
  readonly interleaved?: boolean;
  /** Turns the other way. */
  readonly back?: boolean;
}

/**
 * Rotary position embedding (Su et al. 2021): pairs of features of x `[batch, T, heads, width]` turned by angles of which
 * cosine and sine are given, `[T, width / 2]` or `[batch, T, width / 2]`. Differentiable by x.
 */
export const rotaryEmbedding = kernel<RotaryInputs, RotaryAttributes>(
  'RotaryEmbedding',
  ({ x, cosine, sine }, attributes) => {
    const { interleaved = false, back = false } = attributes ?? {};
    return one(rotate, handleOf(x), handleOf(cosine), handleOf(sine), interleaved, back);
  },
);

/** Gradient of {@link rotaryEmbedding} for the tape: the slope turned back. */
export const rotaryEmbeddingGradient = gradient({
  kernelName: 'RotaryEmbedding',
  inputsToSave: ['cosine', 'sine'],
  gradFunc: (slope, saved, attributes: NamedAttrMap) => {
    const [cosine, sine] = saved as [Tensor, Tensor];
    const turned = { ...attributes, back: attributes.back !== true };
    return { x: () => runKernel('RotaryEmbedding', { x: slope as Tensor, cosine, sine }, turned)[0]! };
  },
});
