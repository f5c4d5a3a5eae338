export { besideOthers, type SeparateWork } from './beside-others.ts';
export {
  type CheckpointRequest,
  type LoadRequest,
  loadCheckpoint,
  loadCheckpointWeights,
  saveCheckpoint,
} from './checkpoint.ts';
export { savedSteps } from './checkpoint-manifest.ts';
export type { CheckpointModule } from './checkpoint-module.ts';
export {
  type Collection,
  type CollectOptions,
  type CollectRequest,
  collect,
  type Reward,
} from './collect.ts';
export { assignCredit, type CreditOptions, improvementCredit } from './credit.ts';
export { type ChainClass, type DiagnosisRequest, diagnose, type GroupingDiagnosis } from './diagnose.ts';
export { DivergedError, InvariantError, RunFolderError } from './error.ts';
export { type Evaluation, type EvaluationRequest, evaluate } from './evaluate.ts';
export { createGenerationUpdate, type GenerationUpdateOptions } from './generation-update.ts';
export { type GradientStep, type GradientStepOptions, gradientStep } from './gradient-step.ts';
export type { SharedOut } from './gradient-taker.ts';
export type { GroupingFunction } from './grouping-function.ts';
export { IterationStop, type IterationStopOptions } from './iteration-stop.ts';
export { appendMetrics, readMetrics, rewindMetrics } from './metrics-log.ts';
export { type Outage, type OutageOptions, ridingOutages } from './outage.ts';
export type { PauseOptions } from './pauses.ts';
export type { ReferenceWeights } from './policy-update.ts';
export {
  createRunFolder,
  makeFolder,
  type RunFolder,
  readIfPresent,
  runFolder,
  writeWhole,
} from './run-folder.ts';
export { holdingRunFolder } from './run-lock.ts';
export { type StepFacts, stepReport } from './step-report.ts';
export { train } from './train.ts';
export type { ModuleUpdate, TrainingRun } from './training-run.ts';
export {
  createTrainingState,
  type StepObserver,
  type TrainingState,
  type TrainingStateOptions,
} from './training-state.ts';
export { createUnderstandingUpdate, type UnderstandingUpdateOptions } from './understanding-update.ts';
export { unlessStopped } from './unless-stopped.ts';
export { type AwayOptions, untilBack } from './until-back.ts';
