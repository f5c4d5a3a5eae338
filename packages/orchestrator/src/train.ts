import { onAnyRank, singleProcess } from '@thinkrl/fsdp-shard';
import type { EditTask, Group, StepReport } from '@thinkrl/spec';
import { besideOthers } from './beside-others.ts';
import { type Collection, type CollectRequest, collect } from './collect.ts';
import { assignCredit } from './credit.ts';
import { IterationStop } from './iteration-stop.ts';
import { stepReport } from './step-report.ts';
import type { TrainingRun } from './training-run.ts';
import { unlessStopped } from './unless-stopped.ts';

/**
 * The training loop of ThinkRL-Edit (method section 1):
 *
 *     tasks ──sample──> chains ──judge──> judged ──group──> groups ──update──> report ──advance──> metrics, checkpoint
 *            plan, edit,        checklist        UCPG or         GRPO and
 *            reflect, edit      and metrics      a rival         Flow-GRPO, decoupled
 *
 * Ends after `run.iterations`, or when `run.signal` was aborted on any rank: between two parts of the sampling, while they
 * are judged, or between two portions of an update, without that iteration. The state is then saved, but for one case: after
 * an optimiser step of the iteration weights are of none, and the newest checkpoint stands. Where that is not of the
 * iteration before, the update is ended first and saved. Iteration `i` depends on the weights before it and on
 * `key.fold(i)` only, so a resumed run repeats exactly what the uninterrupted one would have done.
 *
 * @throws DivergedError when a module's loss was not finite too often in a row.
 * @example
 * await train(run); // see recipes for how a run is put together
 */
export async function train<Task extends EditTask>(run: TrainingRun<Task>): Promise<void> {
  const { state, references, processGroup: group = singleProcess(), signal } = run;
  const stopped = () => onAnyRank(group, signal?.aborted === true);
  while (state.iteration < run.iterations && !(await stopped())) {
    const stop = new IterationStop({ group, signal, resumable: state.resumable });
    const once = () => unlessStopped(iterate(run, state.iteration + 1, stop), stop.signal);
    const done = await (references === undefined ? once() : references.during(once));
    if (done === null && stop.stepped) return;
    if (done === null) break;
    await state.advance(done.report, done.groups);
  }
  await state.save();
}

/** One iteration, from tasks to report; null, or a rejection by `stop`, when the signal cut it short on some rank. */
async function iterate<Task extends EditTask>(
  run: TrainingRun<Task>,
  iteration: number,
  stop: IterationStop,
): Promise<{ readonly report: StepReport; readonly groups: readonly Group<Task>[] } | null> {
  const { updates, signal, processGroup: group = singleProcess() } = run;
  const tasks = await besideOthers({ group, signal, work: async (told) => run.tasksOf(iteration, told) });
  if (tasks === null) return null;
  let onSampled = () => {};
  const sampled = new Promise<void>((resolve) => {
    onSampled = resolve;
  });
  const work = (told: AbortSignal | undefined) =>
    collectIteration(run, { iteration, tasks, signal: told, onSampled });
  // While it samples a rank may have collectives of shared weights, and on a GPU a meeting would hold its stream up.
  const collection = await besideOthers({ group, signal, apart: sampled, work });
  if (collection === null) return null;
  const { judged, seconds } = collection;
  const groups = assignCredit(judged, run.credit);

  const started = performance.now();
  const understanding = (await updates.understanding?.step(groups, stop)) ?? null;
  const generation = (await updates.generation?.step(groups, stop)) ?? null;
  const update = (performance.now() - started) / 1000;

  const { dimensions } = run.collecting.reward;
  const facts = { iteration, groups, dimensions, guard: run.guard?.(judged), understanding, generation };
  const report = await stepReport({ ...facts, seconds: { ...seconds, update } }, group);
  return { report, groups };
}

interface Gathering<Task extends EditTask>
  extends Pick<CollectRequest<Task>, 'tasks' | 'signal' | 'onSampled'> {
  readonly iteration: number;
}

/** Samples and judges the chains of an iteration. */
async function collectIteration<Task extends EditTask>(
  run: TrainingRun<Task>,
  { iteration, tasks, signal, onSampled }: Gathering<Task>,
): Promise<Collection<Task>> {
  const key = run.key.fold(iteration);
  const stochastic = run.window(key.fold('window'));
  return collect(run.collecting, { tasks, stochastic, key, signal, ...(onSampled && { onSampled }) });
}
