import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';
import { gradient, runKernel } from './gradient.ts';

const forward = operation('embedding');
const backward = operation('embedding_grad');

interface EmbeddingGradInputs {
  readonly dy: TensorInfo;
  readonly ids: TensorInfo;
}

/** Rows of weight `[vocabulary, width]` at ids (int32, any shape); y: `[...ids.shape, width]`. */
export const embedding = kernel<{ weight: TensorInfo; ids: TensorInfo }>('Embedding', ({ weight, ids }) =>
  one(forward, handleOf(weight), handleOf(ids)),
);

/** d(weight) of {@link embedding}: rows of dy added up per id, always in the same order. */
export const embeddingGrad = kernel<EmbeddingGradInputs, { vocabulary: number }>(
  'EmbeddingGrad',
  ({ dy, ids }, { vocabulary }) => one(backward, handleOf(dy), handleOf(ids), vocabulary),
);

/** Gradient of {@link embedding} for the tape. */
export const embeddingGradient = gradient({
  kernelName: 'Embedding',
  inputsToSave: ['weight', 'ids'],
  gradFunc: (slope, saved) => {
    const [weight, ids] = saved as [Tensor, Tensor];
    const vocabulary = weight.shape[0]!;
    return { weight: () => runKernel('EmbeddingGrad', { dy: slope as Tensor, ids }, { vocabulary })[0]! };
  },
});
