import type { EditTask } from '@thinkrl/spec';

/**
 * Where training tasks come from. `at(i)` is the i-th task, the same on every call: the position is the data cursor that
 * a checkpoint keeps.
 */
export interface TaskSource<Task extends EditTask> {
  at(position: number): Task;
}

/** The tasks of a list in order, from the start again when it ends. */
export function cycled<Task extends EditTask>(tasks: readonly Task[]): TaskSource<Task> {
  if (tasks.length === 0) throw new RangeError('a task source needs at least one task');
  return {
    at: (position) => {
      const round = Math.floor(position / tasks.length);
      const task = tasks[position % tasks.length]!;
      return round === 0 ? task : { ...task, id: `${task.id}#${round + 1}` };
    },
  };
}
