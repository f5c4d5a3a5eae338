export { imageOf, type Pixels, pixelsOf, readImage, resample, writeImage } from '../image/index.ts';
export type { ShardUnit } from '../shard-unit.ts';
export { ChatTemplate, type ChatTurn } from './chat-template.ts';
export {
  type LanguageConfig,
  type ParseConfigOptions,
  parseConfig,
  type QwenVlConfig,
  RELEASED_QWEN_VL,
  type VisionConfig,
} from './config.ts';
export { QwenVlFolderError, QwenVlInputError } from './error.ts';
export { LanguageModel, type RunOptions } from './language-model.ts';
export { type LoadedQwenVl, type LoadQwenVlOptions, loadQwenVl, type QwenVlModels } from './load.ts';
export { type ForwardOptions, QwenVl, type TokenRows } from './model.ts';
export {
  cellsOf,
  type Patches,
  type PatchGrid,
  type PatchOptions,
  patchesOf,
  RELEASED_PATCHES,
} from './patches.ts';
export { QwenVlPolicy, type QwenVlPolicyOptions } from './policy.ts';
export { type PositionRows, type Positions, positionRows, positionsOf, rotaryTables } from './positions.ts';
export { type EncodedText, type ProcessorParts, QwenVlProcessor } from './processor.ts';
export { LINE_FORM, type ReadPlan, type ReadReflection, type ReasoningForm } from './reasoning-form.ts';
export { understandingUnits } from './shard-units.ts';
export { type Extent, type ResizeBounds, smartResize } from './smart-resize.ts';
export { QwenVlTextEncoder, type TextEncoderOptions } from './text-encoder.ts';
export { QwenVlTokenizer } from './tokenizer.ts';
export { VisionTower } from './vision-tower.ts';
