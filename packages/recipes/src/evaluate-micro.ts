import { type MicroTask, type Split, taskList } from '@thinkrl/microworld';
import { type Evaluation, evaluate } from '@thinkrl/orchestrator';
import { Key } from '@thinkrl/spec';
import { collectingOf, samplingOf } from './assemble-micro.ts';
import type { MicroConfig } from './config.ts';
import type { RunControls, RunListener } from './event.ts';
import { loadModels, type MicroModels, type ModelSource } from './micro-models.ts';
import { startEngine } from './start-engine.ts';

/** Evaluations by split, and how long they took. */
export interface SplitEvaluations {
  readonly seconds: number;
  readonly id: Evaluation;
  readonly ood: Evaluation;
}

/** Every evaluation uses this stream, which no training task comes from, whatever the seed of the run. */
const EVALUATION_KEY = Key.of(20260103).fold('evaluation');
const TASKS_AT_A_TIME = 64;

/** The fresh tasks that a split is evaluated on: always the same ones. */
export function evaluationTasks(split: Split, count: number): readonly MicroTask[] {
  return taskList(EVALUATION_KEY.fold(split), split, count);
}

/** When splits are evaluated, who is told, and what ends it early. */
export interface SplitsOptions {
  readonly when: 'before' | 'after';
  readonly tell: RunListener;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Evaluates on fresh tasks of both splits with the exact judge.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function evaluateSplits(
  models: MicroModels,
  config: MicroConfig,
  { when, tell, signal }: SplitsOptions,
): Promise<SplitEvaluations> {
  const started = performance.now();
  const evaluateSplit = async (split: Split) => {
    const collecting = {
      ...collectingOf(models, config),
      sampling: samplingOf(config, config.evaluation.temperature),
      tasksPerSample: TASKS_AT_A_TIME,
    };
    const tasks = evaluationTasks(split, config.evaluation.tasks);
    const { evaluation } = await evaluate(collecting, {
      tasks,
      key: EVALUATION_KEY.fold('draws'),
      signal,
    });
    if (tasks.length > 0) tell({ type: 'evaluation', when, split, evaluation });
    return evaluation;
  };
  const id = await evaluateSplit('id');
  const ood = await evaluateSplit('ood');
  return { seconds: (performance.now() - started) / 1000, id, ood };
}

/** Evaluates the shipped weights, others, or those of a run; trains nothing. */
export async function evaluateMicro(
  config: MicroConfig,
  options: RunControls & ModelSource = {},
): Promise<SplitEvaluations> {
  const tell = options.onEvent ?? (() => {});
  await startEngine(config, tell);
  return evaluateSplits(await loadModels(options), config, { when: 'before', tell, signal: options.signal });
}
