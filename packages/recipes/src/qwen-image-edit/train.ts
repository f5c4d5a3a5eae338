import { join } from 'node:path';
import type { ReasoningForm } from '@thinkrl/backbones/qwen2-5-vl';
import type { Judge } from '@thinkrl/checklist-reward';
import type { ReasoningPolicy } from '@thinkrl/cot-sampler';
import type { EngineReport } from '@thinkrl/engine';
import {
  leastOverRanks,
  rankEnvironment,
  type ShardedModule,
  type ShardingGroup,
  withGroup,
} from '@thinkrl/fsdp-shard';
import {
  createRunFolder,
  holdingRunFolder,
  IterationStop,
  type RunFolder,
  runFolder,
  savedSteps,
  train,
  unlessStopped,
} from '@thinkrl/orchestrator';
import { buildReport } from '@thinkrl/report';
import type { RunControls } from '../event.ts';
import { deviceOfRank, joinRanks, withSharing } from '../ranks.ts';
import { keepingJudgements } from '../run-judge.ts';
import { readSavedRun } from '../saved-run.ts';
import { startEngine } from '../start-engine.ts';
import { saveAdapters } from './adapters.ts';
import { assembleRun, type QwenEditParts } from './assemble.ts';
import { parseQwenEditConfig, type QwenEditConfig } from './config.ts';
import { buildModules, type FolderModels, loadFolderInTurns } from './models.ts';
import { judgingOf, servedPlanner } from './servers.ts';
import { shareOut } from './share-out.ts';
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

/** The end of a run: its folder, and on the first rank its summary unless it was stopped before the end. */
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
 * Started as several ranks, each samples and judges its part of every iteration's tasks, and updates are shared, as are the
 * weights that `sharding` names: the run is the same, up to rounding, whatever their number. The first rank writes the run
 * folder, which all must see.
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
  return withGroup(ready.processGroup, ({ rank }) => {
    const folder = runFolder(options.out);
    const run = () => runOn(folder, config, { ...ready, ...options, from: 0 });
    if (rank > 0) return run();
    return holdingRunFolder(folder, () => {
      createRunFolder(options.out, { recipe: config.recipe, config });
      return run();
    });
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
  const ready = await prepare(config, options);
  return withGroup(ready.processGroup, (group) => {
    const run = async () => {
      const from = await leastOverRanks(group, savedSteps(folder.checkpoints).at(-1) ?? 0);
      return runOn(folder, config, { ...ready, ...options, from });
    };
    return group.rank > 0 ? run() : holdingRunFolder(folder, run);
  });
}

interface Prepared extends Omit<QwenEditParts, 'shared'> {
  readonly engine: EngineReport;
  readonly models: FolderModels;
  readonly processGroup: ShardingGroup;
}

/** Everything that can be missing, before a run folder is made: a run that cannot begin leaves none behind. */
async function prepare(
  config: QwenEditConfig,
  { judge, planner, form, signal, onEvent: tell = () => {} }: RunControls & QwenEditReplacements,
): Promise<Prepared> {
  const entries = readTasks(config.tasks.path);
  const judging = await judgingOf(config, { given: judge, signal });
  const environment = rankEnvironment(process.env);
  const device = deviceOfRank(config.engine.device, environment);
  const engine = await startEngine({ engine: { ...config.engine, device } }, tell);
  const shared = environment.worldSize > 1 ? config.sharding : {};
  const models = await loadFolderInTurns(config, { shared, signal });
  const modules = buildModules(models, config, { form });
  const served = config.planner.kind === 'served' && config.mode !== 'direct';
  const replaced = planner ?? (served ? await servedPlanner(config, signal) : null);
  const parts = { entries, judging, modules, planner: replaced ?? modules.policy };
  return { ...parts, engine, models, processGroup: await joinRanks() };
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
  const { engine, modules, models, judging, processGroup, from, signal, onEvent: tell = () => {} } = options;
  const first = processGroup.rank === 0;
  const adapters = join(folder.root, 'adapters');
  tell({ type: 'folder', path: folder.root, resumedFrom: from });
  const stop = new IterationStop({ group: processGroup, signal, resumable: true });
  const work = withSharing(processGroup, config.sharding.ranks, async (groups) => {
    const shared = await shareOut(models, modules.adapters, { sharding: config.sharding, groups, stop });
    const iteration = await keepingJudgements(judging.judge, { folder, tell }, async (judge) => {
      const parts = { ...options, shared, judging: { ...judging, judge } };
      const run = await assembleRun(parts, config, { folder, from, signal, tell });
      await train(run);
      return run.state.iteration;
    });
    await withTrained(shared.together, async () => {
      if (first) await saveAdapters(adapters, modules.adapters, config.model);
    });
    return iteration;
  });
  const reached = (await unlessStopped(work, stop.signal)) ?? from;
  if (reached < config.iterations) {
    tell({ type: 'stopped', iteration: reached, path: folder.root });
    return { folder: folder.root, summary: null, report: null, adapters };
  }
  if (!first) return { folder: folder.root, summary: null, report: null, adapters };
  const summary = writeSummary(folder, config, engine);
  const report = await buildReport(folder.root);
  tell({ type: 'report', path: report });
  return { folder: folder.root, summary, report, adapters };
}

/** Does `work` with what is trained of some modules here and whole. */
async function withTrained(modules: readonly ShardedModule[], work: () => Promise<void>): Promise<void> {
  const [first, ...rest] = modules;
  if (first === undefined) return work();
  return first.withTrained(() => withTrained(rest, work));
}
