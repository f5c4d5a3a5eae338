export { type RankEnvironment, rankEnvironment } from './environment.ts';
export { RankDivergenceError, ShardError } from './error.ts';
export { type FullyShardOptions, fullyShard, type MixedPrecision, type UnitOptions } from './fully-shard.ts';
export { averageGradients } from './gradients.ts';
export type { Pending, ProcessGroup, ReduceOperation, ShardingGroup, Traffic } from './process-group.ts';
export { type ShardedGradients, ShardedModule } from './sharded-module.ts';
export { singleProcess } from './single-process.ts';
export { Unit } from './unit.ts';
