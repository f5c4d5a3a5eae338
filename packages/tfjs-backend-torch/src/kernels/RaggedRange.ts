import { RaggedRange } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** One range per row, as a ragged tensor. */
export const raggedRange = onHost(RaggedRange);
