import { onAnyRank, singleProcess } from '@thinkrl/fsdp-shard';
import type { EditTask } from '@thinkrl/spec';
import { collect } from './collect.ts';
import { assignCredit } from './credit.ts';
import { stepReport } from './step-report.ts';
import type { TrainingRun } from './training-run.ts';

/**
 * The training loop of ThinkRL-Edit (method section 1):
 *
 *     tasks ──sample──> chains ──judge──> judged ──group──> groups ──update──> report ──advance──> metrics, checkpoint
 *            plan, edit,        checklist        UCPG or         GRPO and
 *            reflect, edit      and metrics      a rival         Flow-GRPO, decoupled
 *
 * Ends after `run.iterations`, or after the iteration during which `run.signal` was aborted; either way the state is
 * saved. Iteration `i` depends on the weights before it and on `key.fold(i)` only, so a resumed run repeats exactly what
 * the uninterrupted one would have done.
 *
 * @throws DivergedError when a module's loss was not finite too often in a row.
 * @example
 * await train(run); // see recipes for how a run is put together
 */
export async function train<Task extends EditTask>(run: TrainingRun<Task>): Promise<void> {
  const { state, updates, processGroup = singleProcess() } = run;
  const stopped = () => onAnyRank(processGroup, run.signal?.aborted === true);
  while (state.iteration < run.iterations && !(await stopped())) {
    const iteration = state.iteration + 1;
    const key = run.key.fold(iteration);
    const tasks = run.tasksOf(iteration);
    const stochastic = run.window(key.fold('window'));

    const { judged, seconds } = await collect(run.collecting, { tasks, stochastic, key });
    const groups = assignCredit(judged, run.credit);

    const started = performance.now();
    const understanding = (await updates.understanding?.step(groups)) ?? null;
    const generation = (await updates.generation?.step(groups)) ?? null;
    const update = (performance.now() - started) / 1000;

    const dimensions = run.collecting.reward.dimensions;
    const times = { ...seconds, update };
    const report = stepReport({ iteration, groups, dimensions, understanding, generation, seconds: times });
    await state.advance(report, groups);
  }
  await state.save();
}
