export { type ScaleOptions, scaleAdvantages, scaleEachReward, weightRewards } from './advantage.ts';
export { type AggregationCounts, aggregateTokens, type TokenMean } from './aggregation.ts';
export { gaussianKl, type KlEstimator, klEstimate } from './divergence.ts';
export { highEntropyTokens } from './entropy.ts';
export { GrpoError, type GrpoProblem } from './error.ts';
export { flowKl, flowLoss, flowRatio, guardedRatio } from './flow-loss.ts';
export type { FlowObjective } from './flow-objective.ts';
export { type FlowStatistics, flowStatistics } from './flow-statistics.ts';
export type { FlowStep } from './flow-step.ts';
export {
  type ForwardObjective,
  type ForwardStep,
  forwardProcessLoss,
  optimality,
} from './forward-process.ts';
export { type RatioLevel, sequenceRatio, tokenRatio } from './ratio.ts';
export { stopGradient } from './stop-gradient.ts';
export {
  type ClipRange,
  cappedReinforce,
  clippedSurrogate,
  type GateTemperatures,
  softGatedSurrogate,
} from './surrogate.ts';
export type { TokenBatch } from './token-batch.ts';
export { tokenLoss } from './token-loss.ts';
export type { TokenObjective } from './token-objective.ts';
export { type TokenStatistics, tokenStatistics } from './token-statistics.ts';
