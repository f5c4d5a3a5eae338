import { Rounds } from './rounds.ts';
import type { ShardedModule } from './sharded-module.ts';

/**
 * Runs `work`, in which this rank may use the modules as often as it needs, or not at all, whatever the others do: the ranks
 * say what each needs next, and all help to gather it. What is used in the same order again is sent for ahead without asking,
 * a few units at a time. A rank that has done its work helps until all have.
 *
 * Every rank calls it, with the same modules, which one group shares out; accumulating passes fit, passes that send gradients
 * do not.
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
