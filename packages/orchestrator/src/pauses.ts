import { ConfigError } from '@thinkrl/spec';

/** How long to wait for somebody who is away. */
export interface PauseOptions {
  /** Seconds before the second attempt; doubled each time up to `longestPause`. 5 unless given. */
  readonly firstPause?: number;
  /** Seconds; 300 unless given. */
  readonly longestPause?: number;
}

/**
 * Seconds to wait after an attempt, counted from 0.
 *
 * @throws ConfigError for pauses that are not above 0, or a longest below the first.
 * @example
 * const secondsAfter = growingPauses({ firstPause: 5, longestPause: 300 });
 * [0, 1, 6].map(secondsAfter); // [5, 10, 300]
 */
export function growingPauses({
  firstPause = 5,
  longestPause = 300,
}: PauseOptions): (attempt: number) => number {
  if (!(firstPause > 0))
    throw new ConfigError({ field: 'firstPause', value: firstPause, fix: 'use seconds above 0' });
  if (!(longestPause >= firstPause))
    throw new ConfigError({ field: 'longestPause', value: longestPause, fix: 'use at least firstPause' });
  return (attempt) => Math.min(longestPause, firstPause * 2 ** attempt);
}
