import { dispose, tensor1d, zeros } from '@tensorflow/tfjs-core';
import type { ShardingGroup } from './process-group.ts';
import type { ShardedModule } from './sharded-module.ts';
import type { Unit } from './unit.ts';

/**
 * Runs `work`, in which this rank may use the modules as often as it needs, or not at all, whatever the others do: before
 * every gathering the ranks say what each needs next, and all help to gather it. A rank that has done its work helps until
 * all have. Every rank calls it, with the same modules, which one group shares out; accumulating passes fit, passes that
 * send gradients do not.
 *
 * @throws what `work` throws, after all others have done theirs; an error of the group when one is lost.
 * @example
 * const chains = await inStep([editor, planner], () => sample(tasksOfThisRank));
 */
export async function inStep<Result>(
  modules: readonly ShardedModule[],
  work: () => Promise<Result>,
): Promise<Result> {
  const [first] = modules;
  if (first === undefined || first.group.worldSize === 1) return work();
  const rounds = new Rounds(
    first.group,
    modules.flatMap(({ units }) => units),
  );
  const letGo = modules.map((module) => module.agreeBy((unit) => rounds.gather(unit)));
  const alone = () => {
    for (const free of letGo) free();
    return rounds.settle();
  };
  let result: Result;
  try {
    result = await work();
  } catch (error) {
    await alone().catch(() => {}); // what failed here tells more than what fails because of it
    throw error;
  }
  await alone();
  return result;
}

/** Rounds in which each rank names a unit that it needs, by its number from 1, or 0 when it needs none any more. */
class Rounds {
  private readonly group: ShardingGroup;
  private readonly units: readonly Unit[];

  constructor(group: ShardingGroup, units: readonly Unit[]) {
    this.group = group;
    this.units = units;
  }

  /** A round in which this rank needs a unit; blocks. */
  gather(unit: Unit): void {
    const own = tensor1d([this.units.indexOf(unit) + 1]);
    const all = zeros([this.group.worldSize]);
    this.group.startAllGather(own, all).wait();
    const votes = all.dataSync();
    dispose([own, all]);
    this.serve(votes, unit);
  }

  /** Rounds in which this rank needs nothing, until no rank does; the event loop goes on between them. */
  async settle(): Promise<void> {
    for (;;) {
      const own = tensor1d([0]);
      const all = await this.group.allGather(own);
      const votes = await all.data();
      dispose([own, all]);
      if (votes.every((vote) => vote === 0)) return;
      this.serve(votes, null);
    }
  }

  private serve(votes: ArrayLike<number>, needed: Unit | null): void {
    const wanted = [...new Set(Array.from(votes))].filter((vote) => vote > 0).sort((a, b) => a - b);
    for (const number of wanted) {
      const unit = this.units[number - 1]!;
      unit.assist(unit === needed);
    }
  }
}
