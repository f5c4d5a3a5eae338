export type { Benchmark, BenchmarkScores } from './benchmark.ts';
export { commandEditor } from './command-editor.ts';
export { type EditedSamples, type EditSamplesOptions, editSamples } from './edit-samples.ts';
export { type BenchmarkEditor, identityEditor } from './editor.ts';
export {
  BenchmarkFileError,
  BenchmarksError,
  EditFailedError,
  type FileProblem,
  PromptError,
  UpstreamCrashError,
} from './error.ts';
export { htmlReport } from './html.ts';
export type { BenchmarkJudge, JudgeReply, JudgeRequest } from './judge.ts';
export { type CallPart, type CallSettings, callKey, type JudgeCall } from './judge-call.ts';
export { type JudgeCallsOptions, judgeCalls } from './judge-calls.ts';
export {
  aggregateKris,
  KRIS_SWITCHES,
  type KrisAggregate,
  type KrisGroup,
  type KrisGroups,
  type KrisSwitches,
} from './kris/aggregate.ts';
export { type KrisOptions, krisBenchmark } from './kris/benchmark.ts';
export { type AnomalyPrompt, KRIS_PROMPTS, krisCalls } from './kris/calls.ts';
export { loadKris } from './kris/load.ts';
export { KRIS_OWN_PROMPTS } from './kris/own-prompts.ts';
export {
  type KrisParser,
  type KrisScore,
  parseKrisDual,
  parseKrisScore,
  type SingleMetric,
} from './kris/parse.ts';
export { KRIS_PUBLISHED, type KrisPublished } from './kris/published.ts';
export {
  type KrisParsing,
  type KrisReading,
  type KrisRecord,
  krisMetricsFiles,
  krisRecord,
  readKrisReply,
} from './kris/score.ts';
export { strictKrisScores } from './kris/strict.ts';
export {
  KRIS_CATEGORIES,
  type KrisCategory,
  type KrisColumn,
  type KrisMetric,
  type KrisScript,
  krisCategory,
} from './kris/taxonomy.ts';
export { markdownReport } from './markdown.ts';
export { replayChecklistJudge } from './micro/replay-checklist-judge.ts';
export { type MicroEdit, type MicroReportOptions, reportMicro } from './micro/report.ts';
export { type EditedMicroTasks, type EditMicroOptions, editMicroTasks } from './micro/samples.ts';
export type { Endings, PictureForm } from './picture.ts';
export { loadPromptBook, type PromptBook, type PromptSource, type PromptValues } from './prompt-book.ts';
export { replayJudge } from './replay-judge.ts';
export { openReplyStore, type ReplyStore, type StoredReply } from './reply-store.ts';
export type { BenchmarkReport, ReportRow, ReportTable } from './report.ts';
export {
  RISE_SWITCHES,
  type RiseRow,
  type RiseSwitches,
  type RiseVerdict,
  riseTable,
  riseVerdicts,
} from './rise/aggregate.ts';
export { type RiseOptions, riseBenchmark } from './rise/benchmark.ts';
export { RISE_PROMPTS, type RiseCallOptions, riseCalls } from './rise/calls.ts';
export { loadRise, type RiseRecord } from './rise/load.ts';
export { RISE_OWN_PROMPTS } from './rise/own-prompts.ts';
export { riseNumbers, type ScoreRange, strictRiseScore } from './rise/parse.ts';
export { RISE_PUBLISHED, type RisePublished } from './rise/published.ts';
export {
  type RiseParsing,
  type RiseReading,
  type RiseRecordScores,
  type RiseScores,
  readRiseReply,
  riseScores,
} from './rise/score.ts';
export { RISE_CATEGORIES, type RiseCategory } from './rise/taxonomy.ts';
export {
  type BenchmarkProgress,
  type BenchmarkResult,
  type RunBenchmarkOptions,
  runBenchmark,
} from './run-benchmark.ts';
export type { BenchmarkSample, LoadedSamples, SampleProblem } from './sample.ts';
export { servedJudge } from './served-judge.ts';
export { textTable } from './text-table.ts';
export { writeReport } from './write-report.ts';
