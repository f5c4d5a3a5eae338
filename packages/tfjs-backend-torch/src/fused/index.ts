import type { GradConfig, KernelConfig } from '@tensorflow/tfjs-core';
import { adamWStepKernel } from './AdamWStep.ts';
import { attention, attentionGrad, attentionGradient } from './Attention.ts';
import { cacheWrite } from './CacheWrite.ts';
import { castStorageGradient, castStorageKernel, fromBits } from './CastStorage.ts';
import { assignInPlace, copy, copyGradient } from './Copy.ts';
import { emaStep } from './EmaStep.ts';
import { gelu, geluGrad, geluGradient } from './Gelu.ts';
import { globalNorm } from './GlobalNorm.ts';
import { keyedNormal } from './KeyedNormal.ts';
import { layerNorm, layerNormGrad, layerNormGradient } from './LayerNorm.ts';
import { linear, linearBiasGrad, linearGradient, linearInputGrad, linearWeightGrad } from './Linear.ts';
import { rmsNorm, rmsNormGrad, rmsNormGradient } from './RmsNorm.ts';
import { seededNormal, seededUniform } from './SeededRandom.ts';
import { silu, siluGrad, siluGradient } from './Silu.ts';
import { tokenLogProb, tokenLogProbGrad, tokenLogProbGradient } from './TokenLogProb.ts';
import { transformerBlock, transformerBlockGrad, transformerBlockGradient } from './TransformerBlock.ts';

/** Kernels beyond tfjs-core's own. */
export const fusedKernels: readonly KernelConfig[] = [
  adamWStepKernel,
  assignInPlace,
  attention,
  attentionGrad,
  cacheWrite,
  castStorageKernel,
  copy,
  emaStep,
  fromBits,
  gelu,
  geluGrad,
  globalNorm,
  keyedNormal,
  layerNorm,
  layerNormGrad,
  linear,
  linearBiasGrad,
  linearInputGrad,
  linearWeightGrad,
  rmsNorm,
  rmsNormGrad,
  seededNormal,
  seededUniform,
  silu,
  siluGrad,
  tokenLogProb,
  tokenLogProbGrad,
  transformerBlock,
  transformerBlockGrad,
];

/** Gradients of the fused kernels. */
export const fusedGradients: readonly GradConfig[] = [
  attentionGradient,
  castStorageGradient,
  copyGradient,
  geluGradient,
  layerNormGradient,
  linearGradient,
  rmsNormGradient,
  siluGradient,
  tokenLogProbGradient,
  transformerBlockGradient,
];
