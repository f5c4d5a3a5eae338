import { join } from 'node:path';
import type { ReasoningForm } from '@thinkrl/backbones/qwen2-5-vl';
import type { Judge } from '@thinkrl/checklist-reward';
import type { ReasoningPolicy } from '@thinkrl/cot-sampler';
import type { EngineReport } from '@thinkrl/engine';
import {
  createRunFolder,
  holdingRunFolder,
  type RunFolder,
  runFolder,
  savedSteps,
  train,
} from '@thinkrl/orchestrator';
import { buildReport } from '@thinkrl/report';
import type { RunControls } from '../event.ts';
import { keepingJudgements } from '../run-judge.ts';
import { readSavedRun } from '../saved-run.ts';
import { startEngine } from '../start-engine.ts';
import { saveAdapters } from './adapters.ts';
import { assembleRun, type QwenEditParts } from './assemble.ts';
import { parseQwenEditConfig, type QwenEditConfig } from './config.ts';
import { buildModules, loadFolder } from './models.ts';
import { judgingOf, servedPlanner } from './servers.ts';
import { type QwenEditSummary, writeSummary } from './summary.ts';
import { readTasks } from './tasks.ts';

/** What a program may put in place of what the settings name. */
export interface QwenEditReplacements {
  /** Answers the checklists instead of the served judge. */
  readonly judge?: Judge;
  /** Plans and reflects instead of what `planner` says; it is not trained. */
  readonly planner?: ReasoningPolicy;
  /** How the local planner is asked and read. */
  readonly form?: ReasoningForm;
}

/** Where a run on Qwen-Image-Edit lives, with its controls. */
export interface TrainQwenEditOptions extends RunControls, QwenEditReplacements {
  /** The run folder; must not hold a run yet. It is made once engine, models, judge and tasks are ready. */
  readonly out: string;
}

/** The end of a run: its folder, and its summary unless it was stopped before the end. */
export interface TrainQwenEditResult {
  readonly folder: string;
  readonly summary: QwenEditSummary | null;
  /** The report's page; null when stopped. */
  readonly report: string | null;
  /** Folder of the trained adapters in PEFT's layout, as they are at this moment. */
  readonly adapters: string;
}

/**
 * Trains Qwen-Image-Edit by ThinkRL-Edit. Checkpoints hold the trained parameters and optimisers only, the judge's replies
 * are kept beside them; at the end, or when stopped, the adapters are written in PEFT's layout too.
 *
 * @throws ConfigError, TaskFileError, RunFolderError, ServedRequestError, and whatever engine and loaders throw.
 * @example
 * const config = parseQwenEditConfig({ model, tasks: { path: 'tasks.jsonl' }, judge: { baseURL, name } });
 * const { summary, adapters } = await trainQwenEdit(config, { out: 'runs/first' });
 */
export async function trainQwenEdit(
  config: QwenEditConfig,
  options: TrainQwenEditOptions,
): Promise<TrainQwenEditResult> {
  const ready = await prepare(config, options);
  return holdingRunFolder(runFolder(options.out), () => {
    const folder = createRunFolder(options.out, { recipe: config.recipe, config });
    return runOn(folder, config, { ...ready, ...options, from: 0 });
  });
}

/**
 * Goes on with a run that was stopped or killed, from its newest checkpoint.
 *
 * @throws RunFolderError when there is no run in the folder, another process is at it, or its checkpoint is damaged.
 */
export async function resumeQwenEdit(
  path: string,
  options: RunControls & QwenEditReplacements = {},
): Promise<TrainQwenEditResult> {
  const folder = runFolder(path);
  const config = parseQwenEditConfig(readSavedRun(folder).config);
  return holdingRunFolder(folder, async () => {
    const ready = await prepare(config, options);
    const from = savedSteps(folder.checkpoints).at(-1) ?? 0;
    return runOn(folder, config, { ...ready, ...options, from });
  });
}

interface Prepared extends QwenEditParts {
  readonly engine: EngineReport;
}

/** Everything that can be missing, before a run folder is made: a run that cannot begin leaves none behind. */
async function prepare(
  config: QwenEditConfig,
  { judge, planner, form, signal, onEvent: tell = () => {} }: RunControls & QwenEditReplacements,
): Promise<Prepared> {
  const entries = readTasks(config.tasks.path);
  const judging = await judgingOf(config, { given: judge, signal });
  const engine = await startEngine(config, tell);
  const modules = buildModules(loadFolder(config), config, { form });
  const served = config.planner.kind === 'served' && config.mode !== 'direct';
  const replaced = planner ?? (served ? await servedPlanner(config, signal) : null);
  return { engine, entries, judging, modules, planner: replaced ?? modules.policy };
}

interface RunOptions extends RunControls, Prepared {
  /** The checkpoint to go on from; 0 starts anew. */
  readonly from: number;
}

async function runOn(
  folder: RunFolder,
  config: QwenEditConfig,
  options: RunOptions,
): Promise<TrainQwenEditResult> {
  const { engine, modules, judging, from, signal, onEvent: tell = () => {} } = options;
  tell({ type: 'folder', path: folder.root, resumedFrom: from });
  const run = await keepingJudgements(judging.judge, { folder, tell }, async (judge) => {
    const parts = { ...options, judging: { ...judging, judge } };
    const assembled = await assembleRun(parts, config, { folder, from, signal, tell });
    await train(assembled.run);
    return assembled.run;
  });
  const adapters = join(folder.root, 'adapters');
  await saveAdapters(adapters, modules.adapters, config.model);
  if (run.state.iteration < config.iterations) {
    tell({ type: 'stopped', iteration: run.state.iteration, path: folder.root });
    return { folder: folder.root, summary: null, report: null, adapters };
  }
  const summary = writeSummary(folder, config, engine);
  const report = await buildReport(folder.root);
  tell({ type: 'report', path: report });
  return { folder: folder.root, summary, report, adapters };
}
