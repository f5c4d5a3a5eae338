import { join } from 'node:path';
import type { Benchmark } from '@thinkrl/benchmarks';
import type { Invocation } from '../command.ts';
import { wholeNumber } from '../config.ts';
import { UsageError } from '../error.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { editorOf } from './editor.ts';
import { benchmarkJudgeOf } from './judge.ts';
import { choiceOf, required } from './options.ts';
import { sayReport } from './say-report.ts';
import { stageBar } from './stage-bar.ts';

/** `thinkrl eval --bench kris|rise`: edits what is missing, asks what is missing, scores and reports. */
export async function runBench(invocation: Invocation, bench: 'kris' | 'rise'): Promise<number> {
  const { line, output } = invocation;
  const { editor: what, pictures, prompts: place } = line.values;
  if (what === 'micro')
    throw new UsageError(`the micro editor edits the micro-world alone; name another --editor`);
  if (what === undefined && pictures === undefined)
    throw new UsageError('--editor is missing: name one, or edited pictures with --pictures');
  const { KRIS_PROMPTS, loadPromptBook, RISE_PROMPTS, runBenchmark } = await import('@thinkrl/benchmarks');
  const benchmark = await (bench === 'kris' ? krisOf(invocation) : riseOf(invocation));
  const judge = await benchmarkJudgeOf(invocation);
  const prompts = place && (await loadPromptBook(place, bench === 'kris' ? KRIS_PROMPTS : RISE_PROMPTS));
  const editor = what === undefined ? null : await editorOf(what);
  const out = line.values.out ?? join('runs', `eval-${bench}-${editor?.name ?? 'pictures'}`);
  const interrupt = listenForInterrupt(() => output.note('stopping; what is done is kept'));
  const progress = stageBar(invocation);
  try {
    const { report, files } = await runBenchmark(benchmark, {
      out,
      judge,
      concurrency: wholeNumber(invocation, 'concurrency', { least: 1, fallback: 8 }),
      askAgain: line.flags.has('ask-again'),
      onProgress: progress.update,
      signal: interrupt.signal,
      ...(pictures !== undefined && { pictures }),
      ...(editor !== null && { editor }),
      ...(prompts && { prompts }),
    });
    progress.finish();
    await sayReport(output, report, files);
    return 0;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    progress.finish();
    output.say(`stopped; what is done is kept in ${out}, and the same command goes on with it`);
    return 130;
  } finally {
    interrupt.release();
    await editor?.close?.();
  }
}

async function krisOf(invocation: Invocation): Promise<Benchmark> {
  const { krisBenchmark, loadKris } = await import('@thinkrl/benchmarks');
  const loaded = await loadKris(required(invocation, 'data', 'the folder KRIS_Bench'));
  return krisBenchmark(
    loaded,
    given({
      weighting: choiceOf<'sample' | 'value'>(invocation, 'weighting'),
      missing: choiceOf<'skip' | 'raw1'>(invocation, 'missing'),
      records: choiceOf<'all' | 'complete'>(invocation, 'records'),
      anomalyPrompt: choiceOf<'upstream' | 'intended'>(invocation, 'anomaly-prompt'),
      parsing: choiceOf(invocation, 'parsing', ['upstream', 'strict'] as const),
    }),
  );
}

async function riseOf(invocation: Invocation): Promise<Benchmark> {
  const { loadRise, riseBenchmark } = await import('@thinkrl/benchmarks');
  const folder = required(invocation, 'data', "the folder with RISEBench's annotation and pictures");
  return riseBenchmark(
    await loadRise(folder, invocation.line.values.annotation),
    given({
      scoreMode: choiceOf<'upstream' | 'weighted'>(invocation, 'score-mode'),
      accuracyMode: choiceOf<'post2026' | 'legacy'>(invocation, 'accuracy-mode'),
      parsing: choiceOf(invocation, 'parsing', ['first', 'upstream', 'strict'] as const),
    }),
  );
}

/** The options that were given. */
function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
