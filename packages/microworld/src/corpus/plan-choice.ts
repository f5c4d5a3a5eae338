import type { RandomStream } from '@thinkrl/spec';
import { type Operation, touchedCells } from '../operation.ts';
import { RULES } from '../rules/index.ts';
import type { MicroTask } from '../task.ts';
import { EMPTY } from '../template.ts';
import type { CorpusOptions } from './corpus-options.ts';

/** A plan as the corpus would have it: right, wrong or lazy in the shares of the options. */
export function choosePlan(
  task: MicroTask,
  stream: RandomStream,
  options: CorpusOptions,
): readonly Operation[] {
  if (stream.uniform() < options.lazyShare) return lazyPlan(task, stream);
  const hard = task.rules.some((name) => RULES[name].hard);
  if (stream.uniform() < (hard ? options.hardShare : options.easyShare)) return task.rightPlan;
  const [misconception, ...others] = task.wrongPlans;
  if (others.length === 0 || stream.uniform() < options.misconceptionShare) return misconception!;
  return stream.pick(others);
}

/** A plan that changes one thing, of those the task is about, to what it already is. */
function lazyPlan(task: MicroTask, stream: RandomStream): readonly Operation[] {
  const { cells } = task.scene;
  const concerned = task.rightPlan.flatMap(touchedCells).filter((cell) => cells[cell] !== EMPTY);
  const things = cells.flatMap((id, cell) => (id === EMPTY ? [] : [cell]));
  const at = stream.pick(concerned.length > 0 ? concerned : things);
  return [{ kind: 'change', at, thing: cells[at]! }];
}
