import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ProcessGroup } from '@thinkrl/fsdp-shard';
import type { EditTask, Group, StepReport } from '@thinkrl/spec';
import { saveCheckpoint } from './checkpoint.ts';
import type { CheckpointModule } from './checkpoint-module.ts';
import { DivergedError } from './error.ts';
import { appendMetrics, readMetrics } from './metrics-log.ts';
import { flushToDisk, type RunFolder } from './run-folder.ts';

/** Is told of every finished iteration: progress bars, chain logs, tests. */
export type StepObserver<Task extends EditTask> = (
  report: StepReport,
  groups: readonly Group<Task>[],
) => void | Promise<void>;

/** How a run keeps its state. */
export interface TrainingStateOptions<Task extends EditTask> {
  readonly folder: RunFolder;
  readonly modules: readonly CheckpointModule[];
  /** The last finished iteration: 0 for a new run, a checkpoint's for a resumed one. */
  readonly iteration: number;
  /** Iterations between checkpoints. */
  readonly checkpointEvery: number;
  /** Checkpoints kept; older ones are removed. */
  readonly keepCheckpoints: number;
  /** Updates in a row that may be left out for non-finite numbers before the run stops. */
  readonly skippedLimit: number;
  readonly observers: readonly StepObserver<Task>[];
  /** The ranks that save together, of which the first keeps the metrics; this process alone unless given. */
  readonly processGroup?: ProcessGroup;
}

/** Where a run stands, and its record on disk. */
export interface TrainingState<Task extends EditTask> {
  readonly iteration: number;
  /** Whether a resumed run would go on from this iteration: the newest checkpoint is of it, or none is done yet. */
  readonly resumable: boolean;
  /** Records a finished iteration: metrics, observers, and a checkpoint when one is due. */
  advance(report: StepReport, groups: readonly Group<Task>[]): Promise<void>;
  /** Writes a checkpoint now unless the newest one is of this iteration. */
  save(): Promise<void>;
}

/** Starts keeping the state of a run in its folder; what its metrics already hold counts as done. */
export function createTrainingState<Task extends EditTask>(
  options: TrainingStateOptions<Task>,
): TrainingState<Task> {
  let iteration = options.iteration;
  let saved = options.iteration > 0 ? options.iteration : -1;
  const skipped = { understanding: 0, generation: 0 };
  const count = (report: StepReport) => {
    for (const module of ['understanding', 'generation'] as const)
      skipped[module] = report[module]?.skipped === 'non-finite' ? skipped[module] + 1 : 0;
  };
  for (const report of readMetrics(options.folder.metrics)) if (report.iteration <= iteration) count(report);
  const first = (options.processGroup?.rank ?? 0) === 0;

  const save = async () => {
    if (saved === iteration) return;
    if (first && iteration > 0) flushToDisk(options.folder.metrics);
    await saveCheckpoint({ ...options, checkpoints: options.folder.checkpoints, iteration });
    saved = iteration;
  };
  return {
    get iteration() {
      return iteration;
    },
    get resumable() {
      return iteration === 0 || saved === iteration;
    },
    async advance(report, groups) {
      iteration = report.iteration;
      if (first) appendMetrics(options.folder.metrics, report);
      for (const observe of options.observers) await observe(report, groups);
      count(report);
      for (const module of ['understanding', 'generation'] as const)
        if (skipped[module] >= options.skippedLimit) throw new DivergedError(module, skipped[module]);
      if (iteration % options.checkpointEvery === 0) await save();
      await nextTurn(); // an engine that never waits would keep signals and timers out for the whole run
    },
    save,
  };
}
