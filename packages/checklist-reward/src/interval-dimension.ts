import type { EditTask } from '@thinkrl/spec';
import type { RewardDimension } from './dimension.ts';
import { JudgeContractError } from './error.ts';
import { RATINGS, type Rater, type Rating } from './rater.ts';

/** Interval score: `(rating - 1) / 4`, in [0, 1] (method section 2). */
export function intervalScore(rating: Rating): number {
  return (rating - 1) / 4;
}

/** Settings of {@link intervalDimension}. */
export interface IntervalDimensionOptions<Task extends EditTask = EditTask> {
  readonly rater: Rater<Task>;
  /** Default `instruction`. */
  readonly name?: string;
}

/**
 * Instruction following by one mark for the whole picture, for comparison with {@link checklistDimension}.
 *
 * `score` throws {@link JudgeContractError} for a rater that gives other marks than 1 to 5, or not one per picture.
 *
 * @example
 * const dimension = intervalDimension({ rater: await openAiRater({ model }) });
 */
export function intervalDimension<Task extends EditTask>(
  options: IntervalDimensionOptions<Task>,
): RewardDimension<Task> {
  const { rater, name = 'instruction' } = options;
  return {
    name,
    async score(requests, call) {
      const marks = requests.length === 0 ? [] : await rater.rate(requests, call);
      if (marks.length !== requests.length)
        throw new JudgeContractError({
          source: rater.name,
          problem: `${marks.length} marks for ${requests.length} pictures`,
        });
      return marks.map((mark, index) => {
        if ('unjudged' in mark) return mark;
        if (!RATINGS.includes(mark.rating))
          throw new JudgeContractError({
            source: rater.name,
            taskId: requests[index]!.task.id,
            problem: `gives the mark ${mark.rating}`,
          });
        return { value: intervalScore(mark.rating) };
      });
    },
  };
}
