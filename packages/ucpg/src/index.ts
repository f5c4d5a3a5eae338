export { type BatchScaleOptions, batchScale } from './batch-scale.ts';
export { type ChainOptions, longestChain } from './chain.ts';
export { UcpgError, type UcpgErrorCode, type UcpgProblem } from './error.ts';
export { type ExplainOptions, type Explanation, explain, type Reason } from './explain.ts';
export { gdpo } from './gdpo.ts';
export type {
  Degenerate,
  Grouping,
  GroupingMethod,
  GroupingOptions,
  Outranked,
  Rewards,
} from './grouping.ts';
export { type LexicographicOptions, lexicographic } from './lexicographic.ts';
export { pairs } from './pairs.ts';
export { paretoRank } from './pareto-rank.ts';
export { type GroupingName, type GroupingOptionsByName, grouping, groupingNames } from './select.ts';
export { type UcpgOptions, ucpg } from './ucpg.ts';
export { type WeightedOptions, weightedSum } from './weighted-sum.ts';
