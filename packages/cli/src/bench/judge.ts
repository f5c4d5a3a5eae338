import type { BenchmarkJudge } from '@thinkrl/benchmarks';
import type { Judge } from '@thinkrl/checklist-reward';
import type { ServedModel } from '@thinkrl/served';
import type { Invocation } from '../command.ts';
import { wholeNumber } from '../config.ts';
import { UsageError } from '../error.ts';
import { required } from './options.ts';

const forms = 'the URL of a server or replay:FILE';

/** The judge of KRIS-Bench or RISEBench that `--judge` names. @throws UsageError for another. */
export async function benchmarkJudgeOf(invocation: Invocation): Promise<BenchmarkJudge> {
  const { replayJudge, servedJudge } = await import('@thinkrl/benchmarks');
  const judge = required(invocation, 'judge', forms);
  const file = replayed(judge);
  if (file !== null) return replayJudge(file);
  return servedJudge(await modelAt(invocation, judge));
}

/**
 * The judge of checklists that `--judge` names beside the exact one, or null where there is none.
 *
 * @throws UsageError for another.
 */
export async function checklistJudgeOf(invocation: Invocation): Promise<Judge | null> {
  const { judge = 'exact' } = invocation.line.values;
  if (judge === 'exact') return null;
  const file = replayed(judge);
  if (file !== null) return (await import('@thinkrl/benchmarks')).replayChecklistJudge(file);
  const { openAiCompatible } = await import('@thinkrl/checklist-reward/served');
  return openAiCompatible({ model: await modelAt(invocation, judge) });
}

function replayed(judge: string): string | null {
  return judge.startsWith('replay:') ? judge.slice('replay:'.length) : null;
}

async function modelAt(invocation: Invocation, judge: string): Promise<ServedModel> {
  if (!/^https?:\/\//.test(judge)) throw new UsageError(`--judge is ${JSON.stringify(judge)}: name ${forms}`);
  const { createServedModel } = await import('@thinkrl/served');
  const keyVariable = invocation.line.values['judge-key'];
  return createServedModel({
    baseURL: judge,
    model: required(invocation, 'judge-model', 'the model that the server is to use'),
    concurrency: wholeNumber(invocation, 'concurrency', { least: 1, fallback: 8 }),
    ...(keyVariable !== undefined && { keyVariable }),
  });
}
