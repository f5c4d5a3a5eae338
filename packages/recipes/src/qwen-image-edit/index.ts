export { loadAdapters, saveAdapters } from './adapters.ts';
export { defaultQwenEditConfig, parseQwenEditConfig, type QwenEditConfig } from './config.ts';
export { TaskFileError } from './error.ts';
export {
  buildModules,
  type FolderModels,
  loadFolder,
  type ModuleOptions,
  type QwenEditModules,
} from './models.ts';
export { RememberedBackbone } from './remembered-backbone.ts';
export { questionReward } from './reward.ts';
export type { QwenEditSummary } from './summary.ts';
export { entriesOf, loadTask, readReference, readTasks, type TaskEntry } from './tasks.ts';
export {
  type QwenEditReplacements,
  resumeQwenEdit,
  type TrainQwenEditOptions,
  type TrainQwenEditResult,
  trainQwenEdit,
} from './train.ts';
