import { withoutTape } from './tape.ts';

/**
 * Runs `fn` without recording: what it computes is a constant to the surrounding gradient.
 *
 * @example
 * const reference = noGrad(() => snapshot.during(() => batch.score()));
 */
export function noGrad<T>(fn: () => T): T {
  return withoutTape(fn);
}
