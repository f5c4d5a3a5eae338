import type { Judge } from '@thinkrl/checklist-reward';
import {
  type ChecklistWriter,
  createChecklistWriter,
  openAiCompatible,
} from '@thinkrl/checklist-reward/served';
import type { ReasoningPolicy } from '@thinkrl/cot-sampler';
import { createServedPolicy } from '@thinkrl/cot-sampler/served';
import { rankEnvironment } from '@thinkrl/fsdp-shard';
import { createServedModel, type ServedModel } from '@thinkrl/served';
import { ConfigError } from '@thinkrl/spec';
import { partOfBudget } from '../judge-budget.ts';
import type { QwenEditConfig } from './config.ts';

/** What judges edits and writes their checklists. */
export interface Judging {
  readonly judge: Judge;
  /** Null where nobody can write a checklist: every task must then bring its own. */
  readonly write: ChecklistWriter['write'] | null;
}

/**
 * The judge that the settings name, or one given in its place.
 *
 * @throws ConfigError where there is neither; ServedRequestError when the server does not answer.
 */
export async function judgingOf(
  { judge, tasks }: Pick<QwenEditConfig, 'judge' | 'tasks'>,
  { given, signal }: { readonly given?: Judge | undefined; readonly signal?: AbortSignal | undefined },
): Promise<Judging> {
  const call = signal === undefined ? {} : { signal };
  if (judge.baseURL === '') {
    if (given !== undefined) return { judge: given, write: null };
    throw new ConfigError({
      field: 'judge.baseURL',
      value: '',
      fix: 'name a server of a vision and language model, such as http://localhost:8000/v1',
    });
  }
  const model = servedModel('judge', judge);
  const writer = createChecklistWriter({ model, folder: tasks.checklists, pairs: tasks.questionPairs });
  return {
    judge: given ?? (await openAiCompatible({ model, ...call })),
    write: (task, given = call) => writer.write(task, given),
  };
}

/** The planner behind a server. @throws ServedRequestError when the server does not answer. */
export function servedPlanner(
  { planner }: Pick<QwenEditConfig, 'planner'>,
  signal: AbortSignal | undefined,
): Promise<ReasoningPolicy> {
  return createServedPolicy({
    model: servedModel('planner', planner),
    maxTokens: planner.mostTokens,
    ...(signal && { signal }),
  });
}

function servedModel(
  field: 'judge' | 'planner',
  { baseURL, name, keyVariable, concurrency }: QwenEditConfig['judge'],
): ServedModel {
  if (name === '')
    throw new ConfigError({
      field: `${field}.name`,
      value: '',
      fix: 'name the model as the server knows it',
    });
  const budget = { field: `${field}.concurrency`, requests: concurrency };
  return createServedModel({
    baseURL,
    model: name,
    concurrency: partOfBudget(budget, rankEnvironment(process.env)),
    ...(keyVariable !== '' && { keyVariable }),
  });
}
