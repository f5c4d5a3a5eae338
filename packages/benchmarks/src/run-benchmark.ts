import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '@thinkrl/spec';
import type { Benchmark } from './benchmark.ts';
import { editSamples } from './edit-samples.ts';
import type { BenchmarkEditor } from './editor.ts';
import { htmlReport } from './html.ts';
import type { BenchmarkJudge, JudgeReply } from './judge.ts';
import { judgeCalls } from './judge-calls.ts';
import { markdownReport } from './markdown.ts';
import { pictureFileProblem } from './picture.ts';
import type { PromptBook } from './prompt-book.ts';
import { openReplyStore } from './reply-store.ts';
import type { BenchmarkReport } from './report.ts';
import type { BenchmarkSample, SampleProblem } from './sample.ts';

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
  readonly stage: 'edit' | 'judge';
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
  const { out, editor, judge, prompts = benchmark.ownPrompts, concurrency = 8, signal } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new ConfigError({
      field: 'concurrency',
      value: concurrency,
      fix: 'use a whole number of at least 1',
    });
  const tell = (stage: BenchmarkProgress['stage']) => (done: number, total: number) =>
    options.onProgress?.({ stage, done, total });
  const { usable, problems } = await checkInputs(benchmark);
  const pictureFolder = options.pictures ?? join(out, 'pictures');
  const { endings } = benchmark;
  const edited = await editSamples(usable, {
    folder: pictureFolder,
    endings,
    editor,
    onEdit: tell('edit'),
    signal,
  });
  const calls = benchmark.calls(edited.pictures);
  const replies = await judgeCalls(calls, {
    judge,
    prompts,
    store: await openReplyStore(join(out, 'replies.jsonl')),
    concurrency,
    ...(options.askAgain === true && { keeps: benchmark.isScored }),
    onReply: tell('judge'),
    signal,
  });
  const name = editor?.name ?? pictureFolder;
  const scored = benchmark.score(new Set(edited.pictures.keys()), replies, name);
  const missing = [...benchmark.problems, ...problems, ...edited.problems];
  const all = [...missing, ...scored.unscored.map((key) => ({ key, problem: whyUnscored(key, replies) }))];
  const report: BenchmarkReport = {
    title: `${benchmark.title}: ${name}`,
    facts: {
      editor: name,
      judge: `${judge.name} (${judge.version})`,
      prompts: prompts.name,
      ...benchmark.switches,
      samples: `${edited.pictures.size} of ${benchmark.fullSize} judged, ${scored.unscored.length} without every score`,
    },
    notComparable: notComparable(benchmark, { judge, prompts, judged: edited.pictures.size }),
    tables: scored.tables,
    notes: all.map(({ key, problem }) => `${key}: ${problem}`),
  };
  return { report, problems: all, files: await writeFiles(out, report, scored.scores) };
}

/** Every input picture is decoded before the first paid call. */
async function checkInputs({ samples }: Benchmark) {
  const usable: BenchmarkSample[] = [];
  const problems: SampleProblem[] = [];
  for (const sample of samples) {
    const { image } = sample.reference;
    const problem = await firstProblem([...sample.inputs, ...(image === undefined ? [] : [image])]);
    if (problem === null) usable.push(sample);
    else problems.push({ key: sample.key, problem });
  }
  return { usable, problems };
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

function notComparable(
  { publishedJudges, fullSize }: Benchmark,
  { judge, prompts, judged }: Circumstances,
): readonly string[] {
  const known = publishedJudges.some((model) => judge.name.startsWith(model));
  return [
    ...(prompts.original ? [] : [`judged with ${prompts.name}, not with the benchmark's own`]),
    ...(known ? [] : [`judged by ${judge.name}, published numbers by ${publishedJudges.join(' or ')}`]),
    ...(judged === fullSize ? [] : [`${judged} of ${fullSize} samples were judged`]),
  ];
}

async function writeFiles(out: string, report: BenchmarkReport, scores: unknown): Promise<readonly string[]> {
  await mkdir(out, { recursive: true });
  await writeWhole(join(out, 'scores.json'), json(scores));
  const contents = { md: markdownReport(report), json: json(report), html: htmlReport(report) };
  const files = Object.entries(contents).map(([ending, text]) => ({
    path: join(out, `report.${ending}`),
    text,
  }));
  for (const { path, text } of files) await writeWhole(path, text);
  return files.map(({ path }) => path);
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.writing`, text);
  await rename(`${path}.writing`, path);
}
