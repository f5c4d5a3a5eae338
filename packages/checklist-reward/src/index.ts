export { ADDRESS_QUESTION, addressesJudge } from './address.ts';
export { type Agreement, judgeAgreement } from './agreement.ts';
export { type ChecklistDimensionOptions, checklistDimension } from './checklist-dimension.ts';
export type { DimensionScore, RewardDimension, Scored, ScoreRequest } from './dimension.ts';
export {
  type EnsembleJudge,
  type EnsembleJudgeOptions,
  ensembleJudge,
  type PairAgreement,
} from './ensemble-judge.ts';
export {
  ChecklistRewardError,
  type ContractProblem,
  JudgeContractError,
  MissingChecklistError,
} from './error.ts';
export {
  type GuardCounts,
  type GuardFacts,
  type GuardReport,
  guardCounts,
  guardReport,
  type Suspicion,
} from './guard.ts';
export { type IntervalDimensionOptions, intervalDimension, intervalScore } from './interval-dimension.ts';
export type { CallOptions, Judge, Judged, JudgeReply, JudgeRequest, Unjudged } from './judge.ts';
export {
  type Metric,
  type MetricDimensionOptions,
  metricDimension,
  type RoughMetricOptions,
  roughMetric,
} from './metric-dimension.ts';
export { type FlipRates, flipAnswers, type NoisyJudgeOptions, noisyJudge } from './noisy-judge.ts';
export { type NoisyRaterOptions, noisyRater } from './noisy-rater.ts';
export type { Rated, Rater, Rating } from './rater.ts';
export { type RepeatOptions, type RepeatSpread, repeatSpread } from './repeats.ts';
export {
  type ChecklistReward,
  type ChecklistRewardOptions,
  createChecklistReward,
  type Oracle,
} from './reward.ts';
export { answerTo, checklistScore, checklistStrict, softChecklistScore } from './score.ts';
export { waveringRater } from './wavering-rater.ts';
