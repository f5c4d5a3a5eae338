export { loadAdapters, saveAdapters } from './adapters.ts';
export { defaultQwenEditConfig, parseQwenEditConfig, type QwenEditConfig } from './config.ts';
export { type EditedPicture, type EditPictureOptions, editPicture } from './edit.ts';
export { TaskFileError } from './error.ts';
export { type Advice, type AdviceRequest, adviceFor } from './memory/advice.ts';
export { type Architecture, architectureOf, RELEASED } from './memory/architecture.ts';
export { keyValueBytes, type MemoryPlan, memoryPlan, type TaskSize, total } from './memory/memory-plan.ts';
export {
  editorAdapterParameters,
  languageParameters,
  plannerAdapterParameters,
  transformerParameters,
  type VaeSizes,
  vaeParameters,
  visionParameters,
} from './memory/parameters.ts';
export {
  buildModules,
  type FolderModels,
  loadFolder,
  type ModuleOptions,
  type QwenEditModules,
} from './models.ts';
export type { QwenEditSummary } from './summary.ts';
export { entriesOf, readTasks, type TaskEntry } from './tasks.ts';
export {
  type QwenEditReplacements,
  resumeQwenEdit,
  type TrainQwenEditOptions,
  type TrainQwenEditResult,
  trainQwenEdit,
} from './train.ts';
