import { findBackendFactory, registerBackend, registerGradient, registerKernel } from '@tensorflow/tfjs-core';
import { TorchBackend } from './backend.ts';
import { fusedGradients, fusedKernels } from './fused/index.ts';
import { backendName } from './kernel/config.ts';
import { kernels } from './kernels/index.ts';
import { native } from './storage.ts';
import { keepStorageOfGradients, keepTensorsByReference } from './tape.ts';

/**
 * Registers the backend `torch` with all its kernels and gradients; further calls do nothing.
 *
 * @throws TorchMissingError when the addon is not built or does not load.
 * @example
 * registerTorch();
 * await tf.setBackend('torch');
 */
export function registerTorch(): void {
  native();
  if (findBackendFactory(backendName) != null) return;
  for (const config of kernels) registerKernel(config);
  for (const config of fusedKernels) registerKernel(config);
  for (const config of fusedGradients) registerGradient(config);
  keepTensorsByReference();
  keepStorageOfGradients();
  registerBackend(backendName, () => new TorchBackend(), 3);
}
