import { untilBack } from '@thinkrl/orchestrator';
import { type FailureReason, ServedRequestError } from '@thinkrl/served';
import type { RunListener } from './event.ts';

/** Failures of a request that the same request may be spared later. */
const AWAY: readonly FailureReason[] = ['connection', 'timeout', 'server-error', 'rate-limited'];

/**
 * What `write` gives, where it needs a model that writes checklists: waits for one that is away and says so.
 *
 * @throws whatever else `write` throws, such as the ServedRequestError of a model that gives no usable questions.
 */
export function patientWriting<T>(
  write: () => Promise<T>,
  { tell, signal }: { readonly tell: RunListener; readonly signal: AbortSignal | undefined },
): Promise<T> {
  return untilBack(write, {
    signal,
    isAway: (error) => error instanceof ServedRequestError && AWAY.includes(error.reason),
    onPause: (seconds, error) =>
      tell({
        type: 'notice',
        text: `the writer of checklists is away (${(error as Error).message}); asking again in ${seconds} s`,
      }),
  });
}
