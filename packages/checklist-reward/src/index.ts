export { type Agreement, judgeAgreement } from './agreement.ts';
export { type ChecklistDimensionOptions, checklistDimension } from './checklist-dimension.ts';
export type { DimensionScore, RewardDimension, Scored, ScoreRequest } from './dimension.ts';
export {
  ChecklistRewardError,
  type ContractProblem,
  JudgeContractError,
  MissingChecklistError,
} from './error.ts';
export type { CallOptions, Judge, Judged, JudgeReply, JudgeRequest, Unjudged } from './judge.ts';
export {
  type Metric,
  type MetricDimensionOptions,
  metricDimension,
  type RoughMetricOptions,
  roughMetric,
} from './metric-dimension.ts';
export { type FlipRates, flipAnswers, type NoisyJudgeOptions, noisyJudge } from './noisy-judge.ts';
export {
  type ChecklistReward,
  type ChecklistRewardOptions,
  createChecklistReward,
  type Oracle,
} from './reward.ts';
export { answerTo, checklistScore, checklistStrict, softChecklistScore } from './score.ts';
