import { type ProcessGroup, sameEverywhere } from '@thinkrl/fsdp-shard';
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
  if (from > 0) await loadCheckpoint(folder.checkpoints, from, trained);
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

/** Makes sure that all ranks hold the same of what each holds whole. */
async function agree(trained: readonly CheckpointModule[], processGroup: ProcessGroup): Promise<void> {
  const whole = trained.filter(({ sharded }) => sharded === undefined);
  const parameters = whole.flatMap(({ name, parameters }) =>
    [...parameters].map(([key, parameter]) => [`${name}.${key}`, parameter] as const),
  );
  await sameEverywhere(processGroup, new Map(parameters));
}
