import { type ProcessGroup, sameEverywhere } from '@thinkrl/fsdp-shard';
import type { ParameterMap } from '@thinkrl/nn';
import {
  type CheckpointModule,
  createTrainingState,
  loadCheckpoint,
  type RunFolder,
  rewindMetrics,
  type StepObserver,
  type TrainingState,
} from '@thinkrl/orchestrator';
import type { EditTask } from '@thinkrl/spec';
import type { RunListener } from './event.ts';

/** Where a run is kept, how far it has come, who takes part and what they train. */
export interface RunStateOptions<Task extends EditTask> {
  readonly folder: RunFolder;
  /** The checkpoint to go on from; 0 starts anew. */
  readonly from: number;
  readonly trained: readonly CheckpointModule[];
  readonly processGroup: ProcessGroup;
  readonly config: {
    readonly iterations: number;
    readonly checkpointEvery: number;
    readonly keepCheckpoints: number;
  };
  /** Records chains of the first rank. */
  readonly recorder: StepObserver<Task>;
  readonly tell: RunListener;
}

/** Updates in a row that may be left out because something was not finite. */
const SKIPPED_LIMIT = 3;

/**
 * The state of a run, loaded from the checkpoint to go on from. Ranks are compared now and before each checkpoint; the first
 * one records chains.
 *
 * @throws RunFolderError for a damaged checkpoint, RankDivergenceError where ranks hold other weights.
 */
export async function openRunState<Task extends EditTask>(
  options: RunStateOptions<Task>,
): Promise<TrainingState<Task>> {
  const { folder, from, trained, processGroup, config, recorder, tell } = options;
  const { iterations, checkpointEvery, keepCheckpoints } = config;
  if (from > 0) await loadCheckpoint({ ...folder, iteration: from, modules: trained, processGroup });
  const first = processGroup.rank === 0;
  if (first) rewindMetrics(folder.metrics, from);
  await agree(trained, processGroup);
  const agreement: StepObserver<Task> = async ({ iteration }) => {
    if (iteration % checkpointEvery === 0) await agree(trained, processGroup);
  };
  const progress: StepObserver<Task> = (report) => tell({ type: 'step', iterations, report });
  return createTrainingState<Task>({
    ...{ folder, modules: trained, iteration: from, checkpointEvery, keepCheckpoints, processGroup },
    skippedLimit: SKIPPED_LIMIT,
    observers: [agreement, ...(first ? [recorder] : []), progress],
  });
}

/** Makes sure that ranks hold the same of what more than one of them keeps. */
async function agree(trained: readonly CheckpointModule[], processGroup: ProcessGroup): Promise<void> {
  const whole = trained.filter(({ sharded }) => sharded === undefined);
  await sameEverywhere(processGroup, named(whole));
  const repeated = trained.filter(({ sharded }) => (sharded?.replicas ?? null) !== null);
  const [first] = repeated;
  if (first !== undefined) await sameEverywhere(processGroup, named(repeated), first.sharded!.group.rank);
}

/** Parameters of all modules by module and name. */
function named(modules: readonly CheckpointModule[]): ParameterMap {
  return new Map(
    modules.flatMap(({ name, parameters }) =>
      [...parameters].map(([key, parameter]) => [`${name}.${key}`, parameter] as const),
    ),
  );
}
