import type { GradConfig, KernelConfig } from '@tensorflow/tfjs-core';
import { adamWStepKernel } from './AdamWStep.ts';
import { attention, attentionGrad, attentionGradient } from './Attention.ts';
import { cacheWrite } from './CacheWrite.ts';
import { castStorageGradient, castStorageKernel, fromBits } from './CastStorage.ts';
import {
  convolution,
  convolutionGradient,
  convolutionInputGrad,
  convolutionWeightGrad,
} from './Convolution.ts';
import { assignInPlace, copy, copyGradient } from './Copy.ts';
import { emaStep } from './EmaStep.ts';
import { embedding, embeddingGrad, embeddingGradient } from './Embedding.ts';
import { fromFile } from './FromFile.ts';
import { gatedSilu, gatedSiluGrad, gatedSiluGradient } from './GatedSilu.ts';
import { gelu, geluGrad, geluGradient } from './Gelu.ts';
import { clipGlobalNorm, globalNorm, squaredNorm } from './GlobalNorm.ts';
import { groupNorm, groupNormGrad, groupNormGradient } from './GroupNorm.ts';
import { headLogProb, headLogProbGrad, headLogProbGradient } from './HeadLogProb.ts';
import { keyedNormal } from './KeyedNormal.ts';
import { layerNorm, layerNormGrad, layerNormGradient } from './LayerNorm.ts';
import { linear, linearBiasGrad, linearGradient, linearInputGrad, linearWeightGrad } from './Linear.ts';
import { placeStorage } from './PlaceStorage.ts';
import { releaseStorage, restoreStorage } from './ReleaseStorage.ts';
import { rmsNorm, rmsNormGrad, rmsNormGradient } from './RmsNorm.ts';
import { rotaryEmbedding, rotaryEmbeddingGradient } from './RotaryEmbedding.ts';
import { seededNormal, seededUniform } from './SeededRandom.ts';
import { silu, siluGrad, siluGradient } from './Silu.ts';
import { tokenLogProb, tokenLogProbGrad, tokenLogProbGradient } from './TokenLogProb.ts';
import { transformerBlock, transformerBlockGrad, transformerBlockGradient } from './TransformerBlock.ts';
import { upsample, upsampleGrad, upsampleGradient } from './Upsample.ts';

/** Kernels beyond tfjs-core's own. */
export const fusedKernels: readonly KernelConfig[] = [
  adamWStepKernel,
  assignInPlace,
  attention,
  attentionGrad,
  cacheWrite,
  castStorageKernel,
  clipGlobalNorm,
  convolution,
  convolutionInputGrad,
  convolutionWeightGrad,
  copy,
  emaStep,
  embedding,
  embeddingGrad,
  fromBits,
  fromFile,
  gatedSilu,
  gatedSiluGrad,
  gelu,
  geluGrad,
  globalNorm,
  groupNorm,
  groupNormGrad,
  headLogProb,
  headLogProbGrad,
  keyedNormal,
  layerNorm,
  layerNormGrad,
  linear,
  linearBiasGrad,
  linearInputGrad,
  linearWeightGrad,
  placeStorage,
  releaseStorage,
  restoreStorage,
  rmsNorm,
  rmsNormGrad,
  rotaryEmbedding,
  seededNormal,
  seededUniform,
  silu,
  siluGrad,
  squaredNorm,
  tokenLogProb,
  tokenLogProbGrad,
  transformerBlock,
  transformerBlockGrad,
  upsample,
  upsampleGrad,
];

/** Gradients of the fused kernels. */
export const fusedGradients: readonly GradConfig[] = [
  attentionGradient,
  castStorageGradient,
  convolutionGradient,
  copyGradient,
  embeddingGradient,
  gatedSiluGradient,
  geluGradient,
  groupNormGradient,
  headLogProbGradient,
  layerNormGradient,
  linearGradient,
  rmsNormGradient,
  rotaryEmbeddingGradient,
  siluGradient,
  tokenLogProbGradient,
  transformerBlockGradient,
  upsampleGradient,
];
