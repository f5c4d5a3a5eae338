import { createChainSampler, fromReference, type ReasoningPolicy } from '@thinkrl/cot-sampler';
import { drawWindow } from '@thinkrl/edit-generator';
import { inStep, type ProcessGroup } from '@thinkrl/fsdp-shard';
import { encodePng } from '@thinkrl/microworld';
import type { CollectOptions, RunFolder, TrainingRun } from '@thinkrl/orchestrator';
import { ConfigError, type EditTask, Key } from '@thinkrl/spec';
import { creditOf } from '../credit.ts';
import type { RunListener } from '../event.ts';
import { referencesOf, trainedModules, updatesOf } from '../module-training.ts';
import { patientReward } from '../patient-reward.ts';
import { patientWriting } from '../patient-writer.ts';
import { dealt } from '../ranks.ts';
import { chainRecorder } from '../record-chains.ts';
import { roundsOf } from '../rounds.ts';
import { openRunState } from '../run-state.ts';
import type { QwenEditConfig } from './config.ts';
import type { QwenEditModules } from './models.ts';
import { questionReward } from './reward.ts';
import type { Judging } from './servers.ts';
import type { SharedModels } from './share-out.ts';
import { entriesOf, loadTask, type TaskEntry } from './tasks.ts';

/** What a run is put together from, beside its settings. */
export interface QwenEditParts {
  readonly modules: QwenEditModules;
  /** Who plans: the modules' own policy, a served one, or nobody. */
  readonly planner: ReasoningPolicy | null;
  readonly judging: Judging;
  readonly entries: readonly TaskEntry[];
  /** All ranks, each on its part of the tasks. */
  readonly processGroup: ProcessGroup;
  readonly shared: SharedModels;
}

/** Where a run is kept and how far it has come. */
export interface QwenEditAssembly {
  readonly folder: RunFolder;
  /** The checkpoint to go on from; 0 starts anew. */
  readonly from: number;
  readonly signal?: AbortSignal | undefined;
  readonly tell: RunListener;
}

/** Wires the packages together for Qwen-Image-Edit and loads the checkpoint to go on from. */
export async function assembleRun(
  parts: QwenEditParts,
  config: QwenEditConfig,
  { folder, from, signal, tell }: QwenEditAssembly,
): Promise<TrainingRun<EditTask>> {
  const { modules, entries, processGroup, shared } = parts;
  const key = Key.of(config.seed);
  const training = {
    ...config,
    mostTokens: (1 + roundsOf(config)) * config.planner.mostTokens,
    optimizer: { beta2: 0.999, weightDecay: 1e-4 },
    editsAtOnce: config.generation.editsAtOnce,
    chainsAtOnce: config.understanding.chainsAtOnce,
  };
  const trained = trainedModules<EditTask>(modules, training, shared.modules);
  const references = referencesOf(trained, config, shared.modules);
  const recorder = chainRecorder<EditTask>(folder, config, { encode: encodePng });
  const state = await openRunState({ folder, from, trained, processGroup, config, recorder, tell });
  const count = config.tasksPerIteration;
  const order = key.fold('tasks');
  const { steps, window, within } = config.editing;
  return {
    iterations: config.iterations,
    key: key.fold('train'),
    processGroup,
    tasksOf: (iteration: number, told?: AbortSignal) => {
      const own = dealt(entriesOf(entries, { iteration, count, key: order }), processGroup);
      return patientWriting(() => readyTasks(own, config, { ...parts.judging, signal: told }), {
        tell,
        signal: told,
      });
    },
    window: (windowKey: Key) => drawWindow({ steps, size: window, within }, windowKey),
    collecting: collectingOf(parts, config, tell),
    credit: creditOf(config),
    updates: updatesOf({ ...modules, trained, references, processGroup, shared: shared.modules }, training),
    references: modules.remembered,
    state,
    ...(signal && { signal }),
  };
}

/** How chains are collected: a task at a time, since pictures of one batch must have one size. */
function collectingOf(
  { modules, planner, judging, shared }: QwenEditParts,
  config: QwenEditConfig,
  tell: RunListener,
): CollectOptions<EditTask> {
  return {
    sampler: createChainSampler<EditTask>({
      policy: planner,
      editor: modules.editor,
      composer: fromReference,
      rounds: roundsOf(config),
    }),
    reward: patientReward(questionReward(judging.judge), tell),
    groupSize: config.groupSize,
    editsPerPlan: config.editsPerPlan,
    sampling: { temperature: config.temperature, mostTokens: config.planner.mostTokens },
    tasksPerSample: 1,
    together: (work) => inStep(shared.together, work),
  };
}

function readyTasks(
  entries: readonly TaskEntry[],
  { editing, tasks }: QwenEditConfig,
  { write, signal }: Pick<Judging, 'write'> & { readonly signal: AbortSignal | undefined },
): Promise<readonly EditTask[]> {
  return Promise.all(
    entries.map(async (entry) => {
      const task = await loadTask(entry, editing.side);
      if (task.checklist !== undefined) return task;
      if (write === null)
        throw new ConfigError({
          field: 'tasks.path',
          value: tasks.path,
          fix: `task ${task.id} has no checklist: give it one, or name a server in judge.baseURL that writes it`,
        });
      return { ...task, checklist: await write(task, signal && { signal }) };
    }),
  );
}
