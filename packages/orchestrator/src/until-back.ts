import { setTimeout as pause } from 'node:timers/promises';
import { growingPauses, type PauseOptions } from './pauses.ts';

/** Work that needs somebody who may be away, such as a model behind a server. */
export interface AwayOptions extends PauseOptions {
  /** Whether a failure says that somebody is away, and not that the work itself is at fault. */
  readonly isAway: (error: unknown) => boolean;
  /** Ends the waiting, which then rejects with an `AbortError`. */
  readonly signal?: AbortSignal | undefined;
  /** Told before each pause. */
  readonly onPause?: (seconds: number, error: unknown) => void;
}

/**
 * Does work again, after growing pauses, for as long as it fails because somebody is away.
 *
 * @throws what the work throws for another reason; ConfigError for pauses that cannot be.
 * @example
 * const checklist = await untilBack(() => writer.write(task), { isAway, signal });
 */
export async function untilBack<T>(work: () => Promise<T>, options: AwayOptions): Promise<T> {
  const { isAway, signal, onPause } = options;
  const secondsAfter = growingPauses(options);
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isAway(error)) throw error;
      const seconds = secondsAfter(attempt);
      onPause?.(seconds, error);
      await pause(1000 * seconds, undefined, signal && { signal });
    }
  }
}
