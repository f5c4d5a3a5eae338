import { RaggedTensorToTensor } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** A ragged tensor as a dense one. */
export const raggedTensorToTensor = onHost(RaggedTensorToTensor);
