export type { ShardUnit } from '../shard-unit.ts';
export { qwenImageCodec, RELEASED_TILING } from './codec.ts';
export {
  type PromptEncoder,
  QwenImageBackbone,
  type QwenImageBackboneOptions,
  type QwenImageConditioning,
} from './edit-backbone.ts';
export { QwenImageFolderError, QwenImageInputError } from './error.ts';
export type { EditFeatures } from './features.ts';
export { type LoadQwenImageOptions, loadQwenImage, type QwenImageModels } from './load.ts';
export { LORA_TARGETS } from './lora-targets.ts';
export { packLatents, unpackLatents } from './packing.ts';
export {
  DROPPED_TOKENS,
  editPrompt,
  outputSize,
  type PipelineKind,
  type PipelineSizes,
  type PreparedCondition,
  prepareCondition,
} from './pipeline/pipeline.ts';
export { parseScheduler, type ScheduleOfSteps } from './pipeline/scheduler.ts';
export { type PixelSize, sizeOfArea, tokenSize } from './pipeline/sizes.ts';
export {
  type BlockInputs,
  type BlockVectors,
  QwenImageBlock,
  type TokenCounts,
} from './transformer/block.ts';
export {
  parseTransformerConfig,
  RELEASED_TRANSFORMER,
  type TransformerConfig,
} from './transformer/config.ts';
export type { TokenGrid } from './transformer/rope.ts';
export { transformerUnits } from './transformer/shard-units.ts';
export {
  type ConditionInputs,
  type EmbeddedCondition,
  type LevelVectors,
  type PredictOptions,
  QwenImageTransformer,
} from './transformer/transformer.ts';
export {
  type BlockUnit,
  checkpointedUnits,
  plainUnits,
  type RunUnit,
  type UnitRun,
} from './transformer/unit.ts';
export { parseVaeConfig, RELEASED_VAE, type VaeConfig } from './vae/config.ts';
export { QwenImageVae, type Tiling } from './vae/vae.ts';
export { vaeTensors } from './vae/weights.ts';
