export type {
  Chain,
  Edit,
  EditCondition,
  Reflection,
  Round,
  Trajectory,
  TransitionRule,
  Utterance,
} from './chain.ts';
export { finalImage, stageEdits } from './chain.ts';
export { ConfigError, type ConfigProblem, FileError, ThinkError } from './error.ts';
export type { Degenerate, Group, Grouping } from './group.ts';
export type { Image } from './image.ts';
export type { Answer, JudgedChain, Judgement } from './judgement.ts';
export { Key, RandomStream } from './key.ts';
export type { ModuleReport, StepReport } from './report.ts';
export type { Checklist, EditTask, Question } from './task.ts';
