import { ConfigError } from '@thinkrl/spec';
import { Rounds } from './rounds.ts';
import type { ShardedModule } from './sharded-module.ts';

/** How ranks work together that use modules unevenly; the same on all of them. */
export interface InStepOptions {
  /**
   * How many units are sent for at most without asking, when they are likely to be needed next: a rank that needs another one
   * waits for them first. 0 asks for each; 8 unless given.
   */
  readonly ahead?: number;
}

/**
 * Runs `work`, in which this rank may use the modules as often as it needs, or not at all, whatever the others do: the ranks
 * say what each needs next, and all help to gather it. What is used in the same order again is sent for without asking, `ahead`
 * units at a time, each while the one before it computes. A rank that has done its work helps until all have.
 *
 * Every rank calls it, with the same modules, which one group shares out; accumulating passes fit, passes that send gradients
 * do not.
 *
 * @throws ConfigError for an `ahead` that is no whole number.
 * @throws what `work` throws, after all others have done theirs; an error of the group when one is lost.
 * @example
 * const chains = await inStep([editor, planner], () => sample(tasksOfThisRank));
 */
export async function inStep<Result>(
  modules: readonly ShardedModule[],
  work: () => Promise<Result>,
  { ahead = 8 }: InStepOptions = {},
): Promise<Result> {
  if (!(Number.isInteger(ahead) && ahead >= 0))
    throw new ConfigError({
      field: 'ahead',
      value: ahead,
      fix: 'use a whole number, or 0 to ask for each unit',
    });
  const [first] = modules;
  if (first === undefined || first.group.worldSize === 1) return work();
  const rounds = new Rounds(
    first.group,
    modules.flatMap(({ units }) => units),
    ahead,
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
