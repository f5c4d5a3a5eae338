import { ConfigError, type EditTask } from '@thinkrl/spec';
import type { Rater, Rating } from './rater.ts';

/**
 * A rater that is not sure: each mark of `rater` plus normal noise of a standard deviation in marks, rounded and kept
 * within 1 to 5, by `request.key`.
 *
 * @throws ConfigError for a deviation that is negative or not finite.
 * @example
 * const vlmLike = waveringRater(exactRater(), 0.8);
 */
export function waveringRater<Task extends EditTask>(rater: Rater<Task>, deviation: number): Rater<Task> {
  if (!(deviation >= 0 && deviation < Infinity))
    throw new ConfigError({ field: 'deviation', value: deviation, fix: 'use a number of at least 0' });
  return {
    name: `${rater.name}+wavering`,
    version: `${rater.version} deviation ${deviation}`,
    async rate(requests, call) {
      const marks = await rater.rate(requests, call);
      return marks.map((mark, index) => {
        const request = requests[index];
        if ('unjudged' in mark || request === undefined) return mark;
        const noise = deviation * request.key.fold('rating').stream().normal();
        return { rating: Math.min(5, Math.max(1, Math.round(mark.rating + noise))) as Rating };
      });
    },
  };
}
