export { defaultMicroConfig, type MicroConfig, type MicroOverrides, parseMicroConfig } from './config.ts';
export { type DiagnoseOptions, diagnoseMicro, type MicroDiagnosis } from './diagnose-micro.ts';
export { type EditedScene, type EditOptions, type EditResult, editMicro } from './edit-micro.ts';
export { evaluateMicro, evaluateSplits, evaluationTasks, type SplitEvaluations } from './evaluate-micro.ts';
export type { RunControls, RunEvent, RunListener } from './event.ts';
export { groupingOf } from './grouping.ts';
export { loadModels, type MicroModels, type ModelSource, samplerOf } from './micro-models.ts';
export {
  PRETRAIN_STEPS,
  type PretrainMicroOptions,
  pretrainMicro,
  pretrainPerceptionNet,
} from './pretrain-micro.ts';
export { readSavedRun, type SavedRun } from './saved-run.ts';
export type { CategoryScores, MicroSummary, PercentScores, SplitScores } from './summary.ts';
export {
  type MicroReplacements,
  resumeMicro,
  type TrainOptions,
  type TrainResult,
  trainMicro,
} from './train-micro.ts';
