export { ReportError } from './error.ts';
export type { ChainRecord, ChainsFile, GroupRecord, StageRecord } from './record.ts';
export { buildReport } from './report.ts';
export type { RunSummary, Scores } from './summary.ts';
export { type Outcome, type WriteChainsOptions, writeChains } from './write-chains.ts';
