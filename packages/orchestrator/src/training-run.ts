import type { ReferenceCache } from '@thinkrl/edit-generator';
import type { ProcessGroup } from '@thinkrl/fsdp-shard';
import type { EditTask, Group, JudgedChain, Key, ModuleReport } from '@thinkrl/spec';
import type { CollectOptions } from './collect.ts';
import type { CreditOptions } from './credit.ts';
import type { IterationStop } from './iteration-stop.ts';
import type { TrainingState } from './training-state.ts';

/** Updates one module from judged groups: GRPO for understanding, Flow-GRPO for generation. */
export interface ModuleUpdate<Task extends EditTask> {
  /** @throws the reason of `stop.signal` where that gives the iteration up before one of the update's steps. */
  step(groups: readonly Group<Task>[], stop?: IterationStop): Promise<ModuleReport>;
}

/** Everything the training loop is made of. */
export interface TrainingRun<Task extends EditTask> {
  readonly iterations: number;
  readonly key: Key;
  /**
   * This rank's tasks of an iteration, counted from 1; the same on every call. It may take as long as it needs, until
   * `signal` is aborted.
   */
  tasksOf(iteration: number, signal?: AbortSignal): readonly Task[] | Promise<readonly Task[]>;
  /** The denoising steps drawn by the SDE, one window for every group of an iteration. */
  window(key: Key): readonly number[];
  readonly collecting: CollectOptions<Task>;
  readonly credit: CreditOptions;
  /** Counts, for every report, what tells how far the judge can be trusted. */
  guard?(judged: readonly JudgedChain<Task>[]): Readonly<Record<string, number>>;
  /** Null freezes a module. */
  readonly updates: {
    readonly understanding: ModuleUpdate<Task> | null;
    readonly generation: ModuleUpdate<Task> | null;
  };
  /** The editor's frozen features, kept from the roll-out of an iteration to the end of its updates: `ReferenceCache` fits. */
  readonly references?: Pick<ReferenceCache, 'during'>;
  readonly state: TrainingState<Task>;
  /** The ranks that train together, each on its part of the tasks; this process alone unless given. */
  readonly processGroup?: ProcessGroup;
  /** Ends the run, on all ranks, when it is aborted on one; see {@link train}. */
  readonly signal?: AbortSignal;
}
