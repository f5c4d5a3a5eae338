export { checkpoint, recomputing, type TensorFunction } from './autodiff/checkpoint.ts';
export { type Enclosure, enclose } from './autodiff/enclose.ts';
export { type Gradients, gradients, type Objective } from './autodiff/gradients.ts';
export { noGrad } from './autodiff/no-grad.ts';
export { standInFor } from './autodiff/stand-in.ts';
export {
  AdapterError,
  type ParameterMismatch,
  ParameterMismatchError,
  SafetensorsError,
  StorageError,
} from './error.ts';
export { type CacheShape, KeyValueCache } from './key-value-cache.ts';
export { type LoadPeftOptions, loadPeftAdapter } from './lora/load-peft.ts';
export { LoraAdapter, type LoraLayer, type LoraOptions, linearLayers } from './lora/lora-adapter.ts';
export { type LowRankOptions, LowRankUpdate } from './lora/low-rank-update.ts';
export { type PeftPrefix, type SavePeftOptions, savePeftAdapter } from './lora/save-peft.ts';
export { Embedding, type EmbeddingOptions } from './modules/embedding.ts';
export { FeedForward, type FeedForwardOptions } from './modules/feed-forward.ts';
export { normalInitializer, uniformInitializer } from './modules/initializer.ts';
export { LayerNorm } from './modules/layer-norm.ts';
export { Linear, type LinearOptions } from './modules/linear.ts';
export { Module, type ParameterMap } from './modules/module.ts';
export { RmsNorm } from './modules/rms-norm.ts';
export { SelfAttention, type SelfAttentionOptions } from './modules/self-attention.ts';
export { TransformerBlock, type TransformerBlockOptions } from './modules/transformer-block.ts';
export { type AttentionInputs, attention } from './ops/attention.ts';
export { castStorage, castStorageLike, type StorageType, storeParameters } from './ops/cast-storage.ts';
export {
  type ConvolutionOptions,
  type ConvolutionWeights,
  causalConvolution,
  convolution,
} from './ops/convolution.ts';
export { copyTensor } from './ops/copy-tensor.ts';
export { embedding } from './ops/embedding.ts';
export { type FusedInputs, hasKernel, runFused } from './ops/fused.ts';
export { gatedSilu } from './ops/gated-silu.ts';
export { type GeluApproximation, gelu } from './ops/gelu.ts';
export { type GroupNormOptions, groupNorm } from './ops/group-norm.ts';
export { headLogProbs, type LanguageHead } from './ops/head-log-probs.ts';
export { fillNormal, keyedNormal } from './ops/keyed-normal.ts';
export { type Affine, layerNorm } from './ops/layer-norm.ts';
export { linear } from './ops/linear.ts';
export { placeholder } from './ops/placeholder.ts';
export { randomNormal } from './ops/random-normal.ts';
export { randomUniform } from './ops/random-uniform.ts';
export { rmsNorm } from './ops/rms-norm.ts';
export { type RotaryOptions, type RotaryTables, rotaryEmbedding } from './ops/rotary-embedding.ts';
export { silu } from './ops/silu.ts';
export { type TokenLogProbs, tokenLogProbs } from './ops/token-log-probs.ts';
export {
  type AttendOptions,
  type AttentionWeights,
  type BlockOptions,
  type BlockResult,
  type BlockWeights,
  type CacheRoom,
  type KeyValues,
  type LayerCache,
  projections,
  transformerBlock,
  transformerBlockWithKeyValues,
} from './ops/transformer-block.ts';
export { type UpsampleMode, type UpsampleOptions, upsample } from './ops/upsample.ts';
export { AdamW, type AdamWOptions, type AdamWState, type AdamWStepOptions } from './optim/adamw.ts';
export { ExponentialAverage } from './optim/exponential-average.ts';
export {
  type ClippedTensors,
  clipGlobalNorm,
  clipScale,
  globalNorm,
  squaredNorm,
} from './optim/global-norm.ts';
export { type LearningRate, type LearningRateOptions, warmupFlatLinear } from './optim/learning-rate.ts';
export {
  downloadParameters,
  type LoadOptions,
  loadParameters,
  requireSameShapes,
  type SaveOptions,
  saveParameters,
} from './parameters.ts';
export { leavePending, type PendingWeights } from './pending-weights.ts';
export { openCheckpoint } from './safetensors/checkpoint.ts';
export { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from './safetensors/half.ts';
export type {
  FilePlace,
  HalfBits,
  HostData,
  HostTensor,
  PartOf,
  StoredTensor,
  StoredType,
} from './safetensors/host-tensor.ts';
export { mapTensors, type TensorRule } from './safetensors/map-tensors.ts';
export { type OpenSafetensors, openSafetensors } from './safetensors/open.ts';
export { parseSafetensors, readSafetensors, type SafetensorsFile } from './safetensors/read.ts';
export {
  encodeSafetensors,
  type PendingTensor,
  writePending,
  writeSafetensors,
} from './safetensors/write.ts';
export { WeightSnapshot } from './weight-snapshot.ts';
