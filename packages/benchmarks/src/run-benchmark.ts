import { basename, join, resolve } from 'node:path';
import { ConfigError } from '@thinkrl/spec';
import pLimit from 'p-limit';
import type { Benchmark } from './benchmark.ts';
import { editSamples } from './edit-samples.ts';
import type { BenchmarkEditor } from './editor.ts';
import type { BenchmarkJudge, JudgeReply } from './judge.ts';
import { judgeCalls } from './judge-calls.ts';
import { pictureFileProblem } from './picture.ts';
import type { PromptBook } from './prompt-book.ts';
import { openReplyStore } from './reply-store.ts';
import type { BenchmarkReport } from './report.ts';
import type { BenchmarkSample, SampleProblem } from './sample.ts';
import { jsonText, writeReport } from './write-report.ts';
import { writeWhole } from './write-whole.ts';

/** Settings of {@link runBenchmark}. */
export interface RunBenchmarkOptions {
  /** Folder of the run: `replies.jsonl`, `scores.json` and `report.*`. */
  readonly out: string;
  /** The model's folder of edited pictures, in upstream's layout; default: `pictures` in `out`. */
  readonly pictures?: string;
  /** Makes the pictures that are missing; left out, samples without one are reported. */
  readonly editor?: BenchmarkEditor;
  readonly judge: BenchmarkJudge;
  /** The benchmark's own prompts; default: ours, and then the figures are not comparable. */
  readonly prompts?: PromptBook;
  /** Calls to the judge under way at once; default 8. */
  readonly concurrency?: number;
  /** Whether stored replies without a score are asked for again; default false. */
  readonly askAgain?: boolean;
  readonly onProgress?: (progress: BenchmarkProgress) => void;
  readonly signal?: AbortSignal;
}

/** How far a run has come. */
export interface BenchmarkProgress {
  readonly stage: 'check' | 'edit' | 'judge';
  readonly done: number;
  readonly total: number;
}

/** What a run came to. */
export interface BenchmarkResult {
  readonly report: BenchmarkReport;
  /** Samples that are not in the figures, or not with every score, and why. */
  readonly problems: readonly SampleProblem[];
  /** Paths of the Markdown, JSON and HTML report. */
  readonly files: readonly string[];
}

/**
 * Runs a benchmark: looks at every input, makes the edited pictures that are missing, asks the judge what it has not
 * answered yet, scores, and writes a report. Everything between the stages is on disk, so a run that was stopped or
 * killed goes on where it was.
 *
 * @throws ConfigError for settings that cannot work; BenchmarkFileError for files that cannot be used.
 * @example
 * const bench = krisBenchmark(await loadKris('KRIS_Bench'));
 * const { report } = await runBenchmark(bench, { out: 'runs/kris-identity', editor: identityEditor(), judge });
 */
export async function runBenchmark(
  benchmark: Benchmark,
  options: RunBenchmarkOptions,
): Promise<BenchmarkResult> {
  const { out, editor, concurrency = 8, signal } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new ConfigError({
      field: 'concurrency',
      value: concurrency,
      fix: 'use a whole number of at least 1',
    });
  const tell = (stage: BenchmarkProgress['stage']) => (done: number, total: number) =>
    options.onProgress?.({ stage, done, total });
  const { usable, problems } = await checkInputs(benchmark, tell('check'));
  const folder = options.pictures ?? join(out, 'pictures');
  const { endings } = benchmark;
  const edited = await editSamples(usable, { folder, endings, editor, onEdit: tell('edit'), signal });
  const prompts = options.prompts ?? benchmark.ownPrompts;
  const replies = await judgeCalls(benchmark.calls(edited.pictures), {
    judge: options.judge,
    prompts,
    store: await openReplyStore(join(out, 'replies.jsonl')),
    concurrency,
    ...(options.askAgain === true && { keeps: benchmark.isScored }),
    onReply: tell('judge'),
    signal,
  });
  const judged = new Set(edited.pictures.keys());
  const name = editor?.name ?? basename(resolve(folder));
  const { scores, tables, unscored } = benchmark.score(judged, replies, name);
  const unread = unscored.map((key) => ({ key, problem: whyUnscored(key, replies) }));
  const all = [...benchmark.problems, ...problems, ...edited.problems, ...unread];
  const circumstances = { judge: options.judge, prompts, judged: judged.size };
  const report: BenchmarkReport = {
    title: `${benchmark.title}: ${name}`,
    facts: { editor: name, ...factsOf(benchmark, circumstances, unscored.length) },
    notComparable: notComparable(benchmark, circumstances),
    tables,
    notes: all.map(({ key, problem }) => `${key}: ${problem}`),
  };
  await writeWhole(join(out, 'scores.json'), jsonText(scores));
  return { report, problems: all, files: await writeReport(out, report) };
}

/** Every input picture is decoded before the first paid call. */
async function checkInputs({ samples }: Benchmark, onCheck: (done: number, total: number) => void) {
  let done = 0;
  const check = async ({ inputs, reference: { image } }: BenchmarkSample) => {
    const problem = await firstProblem([...inputs, ...(image === undefined ? [] : [image])]);
    done += 1;
    onCheck(done, samples.length);
    return problem;
  };
  const limit = pLimit(4);
  const found = await Promise.all(samples.map((sample) => limit(check, sample)));
  return {
    usable: samples.filter((_, index) => found[index] === null),
    problems: samples.flatMap(({ key }, index) => (found[index] ? [{ key, problem: found[index] }] : [])),
  };
}

async function firstProblem(paths: readonly string[]): Promise<string | null> {
  for (const path of paths) {
    const problem = await pictureFileProblem(path);
    if (problem !== null) return `${path} ${problem}`;
  }
  return null;
}

function whyUnscored(key: string, replies: ReadonlyMap<string, JudgeReply>): string {
  const failed = [...replies].find(([call, reply]) => call.startsWith(`${key}/`) && 'failed' in reply);
  const reply = failed?.[1];
  return reply !== undefined && 'failed' in reply ? `no reply: ${reply.failed}` : 'no score in a reply';
}

interface Circumstances {
  readonly judge: BenchmarkJudge;
  readonly prompts: PromptBook;
  readonly judged: number;
}

function factsOf(
  { switches, fullSize }: Benchmark,
  { judge, prompts, judged }: Circumstances,
  unscored: number,
) {
  return {
    judge: `${judge.name} (${judge.version})`,
    prompts: prompts.name,
    ...switches,
    samples: `${judged} of ${fullSize} judged, ${unscored} without every score`,
  };
}

function notComparable(
  { publishedJudges, fullSize, switches }: Benchmark,
  { judge, prompts, judged }: Circumstances,
): readonly string[] {
  const known = publishedJudges.some((model) => judge.name.startsWith(model));
  return [
    ...(prompts.original ? [] : [`judged with ${prompts.name}, not with the benchmark's own`]),
    ...(known ? [] : [`judged by ${judge.name}, published numbers by ${publishedJudges.join(' or ')}`]),
    ...(switches.parsing === 'strict' ? ['replies were read strictly'] : []),
    ...(judged === fullSize ? [] : [`${judged} of ${fullSize} samples were judged`]),
  ];
}
