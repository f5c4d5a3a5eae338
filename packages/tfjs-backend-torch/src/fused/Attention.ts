import type { NamedAttrMap, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { accompany, companionsOf, handleOf, many, maybeHandle, one, operation } from '../storage.ts';
import { gradient, runKernel, together } from './gradient.ts';

const forward = operation('attention');
const backward = operation('attention_grad');
const alias = operation('alias');

interface AttentionInputs {
  readonly query: TensorInfo;
  readonly key: TensorInfo;
  readonly value: TensorInfo;
  readonly mask?: TensorInfo;
}

interface AttentionAttributes {
  readonly scale?: number;
  readonly causal?: boolean;
}

interface AttentionGradInputs extends Omit<AttentionInputs, 'mask'> {
  readonly dy: TensorInfo;
  readonly y: TensorInfo;
}

function settings(query: TensorInfo, attributes: AttentionAttributes | undefined): [number, boolean] {
  return [attributes?.scale ?? 1 / Math.sqrt(query.shape[3]!), attributes?.causal === true];
}

/**
 * softmax(scale query key^T + mask) value for each head. query: `[batch, T, heads, width]`; key, value:
 * `[batch, S, heads, width]` (or fewer heads that divide them: grouped-query attention); y: `[batch, T, heads, width]`.
 *
 * `mask` broadcasts to `[batch, heads, T, S]`: bool with true = may attend, or float32 to be added. `causal` lets target t
 * see sources up to t + S - T. A target that may see nothing gives zeros. `scale` defaults to 1 / sqrt(width).
 */
export const attention = kernel<AttentionInputs, AttentionAttributes>('Attention', (inputs, attributes) => {
  const { query, key, value, mask } = inputs;
  const [scale, causal] = settings(query, attributes);
  const [y, sums] = many(
    forward,
    handleOf(query),
    handleOf(key),
    handleOf(value),
    maybeHandle(mask),
    scale,
    causal,
  );
  return accompany(y!, mask == null ? [sums!] : [sums!, one(alias, handleOf(mask))]);
});

/** d(query), d(key), d(value) of {@link attention}; probabilities are computed again from the saved log-sums. */
export const attentionGrad = kernel<AttentionGradInputs, AttentionAttributes>(
  'AttentionGrad',
  (inputs, attributes) => {
    const { query, key, value, dy, y } = inputs;
    const [scale, causal] = settings(query, attributes);
    const [sums, mask = -1] = companionsOf(y);
    const tensors = [handleOf(query), handleOf(key), handleOf(value)] as const;
    return many(backward, ...tensors, mask, scale, causal, handleOf(dy), handleOf(y), sums!);
  },
);

/** Gradient of {@link attention} for the tape. */
export const attentionGradient = gradient({
  kernelName: 'Attention',
  inputsToSave: ['query', 'key', 'value'],
  outputsToSave: [true],
  gradFunc: (slope, saved, attributes: NamedAttrMap) => {
    const [query, key, value, y] = saved as [Tensor, Tensor, Tensor, Tensor];
    const part = together(() =>
      runKernel('AttentionGrad', { query, key, value, dy: slope as Tensor, y }, attributes),
    );
    return { query: () => part(0), key: () => part(1), value: () => part(2) };
  },
});
