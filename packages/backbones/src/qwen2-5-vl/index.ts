export { imageOf, type Pixels, pixelsOf, readImage, resample, writeImage } from '../image/index.ts';
export {
  type LanguageConfig,
  type ParseConfigOptions,
  parseConfig,
  type QwenVlConfig,
  type VisionConfig,
} from './config.ts';
export { QwenVlFolderError, QwenVlInputError } from './error.ts';
export { LanguageModel, type RunOptions } from './language-model.ts';
export { QwenVl, type TokenRows } from './model.ts';
export { currentName } from './names.ts';
export {
  cellsOf,
  type Patches,
  type PatchGrid,
  type PatchOptions,
  patchesOf,
  RELEASED_PATCHES,
} from './patches.ts';
export { type PositionRows, type Positions, positionRows, positionsOf, rotaryTables } from './positions.ts';
export { type Extent, type ResizeBounds, smartResize } from './smart-resize.ts';
export { VisionTower } from './vision-tower.ts';
