import type { Rater, Rating } from '@thinkrl/checklist-reward';
import { oracleScores } from './exact-judge.ts';
import type { MicroTask } from './task.ts';

/**
 * The rater that knows: the share of the checklist that agrees, on five marks. What is between two marks is rounded, as
 * whoever gives one mark to a picture has to.
 *
 * @example
 * const [mark] = await exactRater().rate([{ task, image, key }]);
 */
export function exactRater(): Rater<MicroTask> {
  return {
    name: 'microworld-exact-rater',
    version: '1',
    rate: async (requests) =>
      requests.map(({ task, image }) => ({
        rating: (1 + Math.round(4 * oracleScores(task, image).instruction)) as Rating,
      })),
  };
}
