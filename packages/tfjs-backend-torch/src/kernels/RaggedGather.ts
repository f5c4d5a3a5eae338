import { RaggedGather } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Rows of a ragged tensor. */
export const raggedGather = onHost(RaggedGather);
