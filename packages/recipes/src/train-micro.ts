import { resolve } from 'node:path';
import type { Judge } from '@thinkrl/checklist-reward';
import type { EngineReport } from '@thinkrl/engine';
import { leastOverRanks, type ShardingGroup, withGroup } from '@thinkrl/fsdp-shard';
import { type MicroTask, presetOf } from '@thinkrl/microworld';
import {
  createRunFolder,
  holdingRunFolder,
  type RunFolder,
  runFolder,
  savedSteps,
  train,
  unlessStopped,
} from '@thinkrl/orchestrator';
import { buildReport } from '@thinkrl/report';
import { assembleRun } from './assemble-micro.ts';
import { type MicroConfig, parseMicroConfig } from './config.ts';
import { evaluateSplits } from './evaluate-micro.ts';
import type { RunControls } from './event.ts';
import { loadModels, type MicroModels } from './micro-models.ts';
import { joinRanks } from './ranks.ts';
import { withRunJudge } from './run-judge.ts';
import { readSavedRun } from './saved-run.ts';
import { startEngine } from './start-engine.ts';
import { type MicroSummary, readEvaluations, summaryOf, writeEvaluation, writeSummary } from './summary.ts';

/** What a program may put in place of what the settings name. */
export interface MicroReplacements {
  /** Answers the checklists while training. */
  readonly judge?: Judge<MicroTask>;
}

/** Where a run lives, with its controls. */
export interface TrainOptions extends RunControls, MicroReplacements {
  /** The run folder; must not hold a run yet. It is made once engine and weights are ready. */
  readonly out: string;
  /** Weights to start from instead of the shipped ones. */
  readonly weights?: string;
}

/** The end of a run: its folder, and its summary unless it was stopped before the end. */
export interface TrainResult {
  readonly folder: string;
  readonly summary: MicroSummary | null;
  /** The report's page; null when stopped, and on other ranks than the first. */
  readonly report: string | null;
}

/**
 * Trains the micro pair by ThinkRL-Edit: evaluates, runs the loop, evaluates again, and writes summary and report.
 *
 * Started as several ranks, each samples and judges its part of every iteration's tasks and updates are shared: the run is
 * the same, up to rounding, whatever their number. The first rank writes the run folder, which all must see.
 *
 * @throws ConfigError, RunFolderError, and whatever the engine and the weights throw when they are missing.
 * @example
 * const { summary } = await trainMicro(parseMicroConfig({ iterations: 20 }), { out: 'runs/first' });
 */
export async function trainMicro(config: MicroConfig, options: TrainOptions): Promise<TrainResult> {
  const weights = options.weights === undefined ? null : resolve(options.weights);
  const ready = await prepare(config, { ...options, weights });
  return withGroup(ready.processGroup, ({ rank }) => {
    const folder = runFolder(options.out);
    const run = () => runMicro(config, folder, { ...ready, ...options, from: 0 });
    if (rank > 0) return run();
    return holdingRunFolder(folder, () => {
      createRunFolder(options.out, { recipe: 'micro', weights, config });
      return run();
    });
  });
}

/**
 * Goes on with a run that was stopped or killed, from its newest checkpoint; what it had done since then is done again
 * to the letter, or up to rounding where the number of ranks is another than before.
 *
 * @throws RunFolderError when there is no run in the folder, another process is at it, or its checkpoint is damaged.
 */
export async function resumeMicro(
  path: string,
  controls: RunControls & MicroReplacements = {},
): Promise<TrainResult> {
  const folder = runFolder(path);
  const saved = readSavedRun(folder);
  const config = parseMicroConfig(saved.config);
  const ready = await prepare(config, { ...controls, weights: saved.weights });
  return withGroup(ready.processGroup, (group) => {
    const run = async () => {
      const from = await leastOverRanks(group, savedSteps(folder.checkpoints).at(-1) ?? 0);
      return runMicro(config, folder, { ...ready, ...controls, from });
    };
    return group.rank > 0 ? run() : holdingRunFolder(folder, run);
  });
}

interface Prepared {
  readonly engine: EngineReport;
  readonly models: MicroModels;
  /** The ranks that train together. */
  readonly processGroup: ShardingGroup;
}

/** Engine and models, before a run folder is made: a run that cannot begin leaves none behind. */
async function prepare(
  config: MicroConfig,
  { weights, onEvent: tell = () => {} }: RunControls & { readonly weights: string | null },
): Promise<Prepared> {
  const { notice } = presetOf(config.judge);
  if (notice !== null) tell({ type: 'notice', text: notice });
  const engine = await startEngine(config, tell);
  const models = await loadModels(weights === null ? {} : { weights });
  return { engine, models, processGroup: await joinRanks() };
}

interface RunOptions extends RunControls, MicroReplacements, Prepared {
  /** The checkpoint to go on from; 0 starts anew. */
  readonly from: number;
}

async function runMicro(config: MicroConfig, folder: RunFolder, options: RunOptions): Promise<TrainResult> {
  const { engine, models, processGroup, judge: given, signal, onEvent: tell = () => {} } = options;
  const first = processGroup.rank === 0;
  tell({ type: 'folder', path: folder.root, resumedFrom: options.from });
  const evaluated = (when: 'before' | 'after') =>
    unlessStopped(evaluateSplits(models, config, { when, tell, signal }), signal);

  const evaluations = options.from > 0 ? readEvaluations(folder) : {};
  const before = evaluations.before ?? (await evaluated('before'));
  if (first && before !== null) writeEvaluation(folder, 'before', before);

  const reached = await withRunJudge(config, { folder, tell, judge: given }, async (judge) => {
    const run = await assembleRun(models, config, { ...options, folder, judge, tell });
    await train(run);
    return run.state.iteration;
  });
  const after = reached < config.iterations ? null : await evaluated('after');
  if (before === null || after === null) {
    tell({ type: 'stopped', iteration: reached, path: folder.root });
    return { folder: folder.root, summary: null, report: null };
  }
  const facts = { config, engine, before, after };
  if (!first) return { folder: folder.root, summary: summaryOf(folder, facts), report: null };
  writeEvaluation(folder, 'after', after);
  const summary = writeSummary(folder, facts);
  const report = await buildReport(folder.root);
  tell({ type: 'report', path: report });
  return { folder: folder.root, summary, report };
}
