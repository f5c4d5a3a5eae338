export { type RankEnvironment, rankEnvironment } from './environment.ts';
export { averageGradients } from './gradients.ts';
export type { ProcessGroup, ReduceOperation } from './process-group.ts';
export { singleProcess } from './single-process.ts';
