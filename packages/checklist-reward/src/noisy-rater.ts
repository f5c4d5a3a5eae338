import { ConfigError, type EditTask, type RandomStream } from '@thinkrl/spec';
import { RATINGS, type Rater, type Rating } from './rater.ts';

/** Settings of {@link noisyRater}. */
export interface NoisyRaterOptions {
  /** How often a mark is wrong, in [0, 1]. */
  readonly wrong: number;
  /**
   * What a wrong mark is: `another` of the five, each as likely, or the `opposite` one, 6 - rating. Both are what a
   * turned answer is on a scale of two.
   */
  readonly error: 'another' | 'opposite';
}

/**
 * A rater that makes mistakes: the marks of `rater`, each wrong at the given rate by `request.key`.
 *
 * @throws ConfigError for a rate outside [0, 1].
 * @example
 * const vlmLike = noisyRater(exactRater(), { wrong: 0.03, error: 'another' });
 */
export function noisyRater<Task extends EditTask>(
  rater: Rater<Task>,
  options: NoisyRaterOptions,
): Rater<Task> {
  const { wrong, error } = options;
  if (!(wrong >= 0 && wrong <= 1))
    throw new ConfigError({ field: 'wrong', value: wrong, fix: 'use a rate from 0 to 1' });
  return {
    name: `${rater.name}+noise`,
    version: `${rater.version} wrong ${wrong} ${error}`,
    async rate(requests, call) {
      const marks = await rater.rate(requests, call);
      return marks.map((mark, index) => {
        const request = requests[index];
        if ('unjudged' in mark || request === undefined) return mark;
        const stream = request.key.fold('rating').stream();
        return stream.uniform() < wrong ? { rating: mistaken(mark.rating, error, stream) } : mark;
      });
    },
  };
}

function mistaken(rating: Rating, error: NoisyRaterOptions['error'], stream: RandomStream): Rating {
  if (error === 'opposite') return (6 - rating) as Rating;
  return stream.pick(RATINGS.filter((other) => other !== rating));
}
