import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ChainSampler, SamplingOptions } from '@thinkrl/cot-sampler';
import type { Chain, EditTask, JudgedChain, Key } from '@thinkrl/spec';

/** Whatever gives chains their judgements: `ChecklistReward` fits. */
export interface Reward<Task extends EditTask> {
  readonly dimensions: readonly string[];
  judge(
    chains: readonly Chain<Task>[],
    key: Key,
    call?: { readonly signal?: AbortSignal },
  ): Promise<readonly JudgedChain<Task>[]>;
}

/** How chains are collected. */
export interface CollectOptions<Task extends EditTask> {
  readonly sampler: ChainSampler<Task>;
  readonly reward: Reward<Task>;
  readonly groupSize: number;
  /** Chains of a group that share a plan, 1 unless given. */
  readonly editsPerPlan?: number;
  readonly sampling: SamplingOptions;
  /** Runs all of the sampling, as `inStep` does where models are shared out; it just runs unless given. */
  readonly together?: <Result>(work: () => Promise<Result>) => Promise<Result>;
  /** Tasks sampled at a time; judging one part overlaps with sampling the next. */
  readonly tasksPerSample: number;
}

/** Judged chains, task-major, and where the time went. */
export interface Collection<Task extends EditTask> {
  readonly judged: readonly JudgedChain<Task>[];
  /** As in `StepReport`: `sample` is the time of the whole collection, `judge` that of the judge's calls within it. */
  readonly seconds: { readonly sample: number; readonly judge: number };
}

/** What to collect: tasks, which denoising steps are stochastic, and the key of the iteration. */
export interface CollectRequest<Task extends EditTask> {
  readonly tasks: readonly Task[];
  readonly stochastic: readonly number[];
  readonly key: Key;
  /** Gives the collection up between two stages of the sampling or while chains are judged; it then rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Is told when all is sampled and only judgements are missing. */
  readonly onSampled?: () => void;
}

/**
 * Samples the chains of some tasks and judges them; judging is started as soon as a part is sampled and awaited at the
 * end, so a slow remote judge works while the next part is sampled. The result does not depend on how it is split.
 */
export async function collect<Task extends EditTask>(
  options: CollectOptions<Task>,
  { tasks, stochastic, key, signal, onSampled }: CollectRequest<Task>,
): Promise<Collection<Task>> {
  const started = performance.now();
  let judge = 0;
  const judgeTimed = async (chains: readonly Chain<Task>[]) => {
    const began = performance.now();
    const judged = await options.reward.judge(chains, key.fold('judge'), signal && { signal });
    judge += secondsSince(began);
    return judged;
  };
  const { together = (work) => work() } = options;
  const pending: Promise<readonly JudgedChain<Task>[]>[] = [];
  const sampleAll = async () => {
    for (let from = 0; from < tasks.length; from += options.tasksPerSample) {
      signal?.throwIfAborted();
      const chains = await options.sampler.sample({
        tasks: tasks.slice(from, from + options.tasksPerSample),
        groupSize: options.groupSize,
        editsPerPlan: options.editsPerPlan ?? 1,
        sampling: options.sampling,
        stochastic,
        key: key.fold('sample'),
        signal,
      });
      const judging = judgeTimed(chains);
      judging.catch(() => {}); // awaited below; a rejection must not count as unhandled before that
      pending.push(judging);
      await nextTurn(); // lets judges, signals and timers have their turn
    }
  };
  await together(sampleAll);
  onSampled?.();
  const judged = (await unlessAborted(Promise.all(pending), signal)).flat();
  return { judged, seconds: { sample: secondsSince(started), judge } };
}

/** Does not wait for a judge that goes on although it was told to stop. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}

function secondsSince(moment: number): number {
  return (performance.now() - moment) / 1000;
}
