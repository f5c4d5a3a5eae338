export { fromEveryRank, leastOverRanks, onAnyRank, together } from './agreement.ts';
export { type RankEnvironment, rankEnvironment } from './environment.ts';
export { type Divergence, OtherRankError, RankDivergenceError, ShardError, ShardFileError } from './error.ts';
export {
  type FullyShardOptions,
  fullyShard,
  fullyShardInTurns,
  type MixedPrecision,
  type UnitOptions,
} from './fully-shard.ts';
export { averageGradients, combineShares, type GradientShare } from './gradients.ts';
export { type InStepOptions, inStep } from './in-step.ts';
export { type Mesh, meshOf } from './mesh.ts';
export type { Pending, ProcessGroup, ReduceOperation, ShardingGroup, Traffic } from './process-group.ts';
export { sameEverywhere } from './same-everywhere.ts';
export { type ShardedGradients, ShardedModule } from './sharded-module.ts';
export { loadShards } from './shards/load-shards.ts';
export { openShards } from './shards/open-shards.ts';
export { saveShards } from './shards/save-shards.ts';
export type { ShardVectors } from './shards/vectors.ts';
export { singleProcess } from './single-process.ts';
export { Unit } from './unit.ts';
export { withGroup } from './with-group.ts';
