import { setImmediate as nextTurn } from 'node:timers/promises';
import { onAnyRank, type ProcessGroup } from '@thinkrl/fsdp-shard';

/** When an iteration is given up. */
export interface IterationStopOptions {
  readonly group: ProcessGroup;
  /** Asks for it, on all ranks, when it is aborted on one. */
  readonly signal: AbortSignal | undefined;
  /** Whether the run would go on from where the iteration began, whatever becomes of the weights. */
  readonly resumable: boolean;
}

/**
 * How the iteration under way ends early, on all ranks or on none. Ranks have unlike numbers of portions to work through, so
 * one that was told to stop leaves its own and waits for the others where they all meet: before the next optimiser step.
 *
 * Before the first step weights are those that the iteration began with, and can be saved. After it the iteration is given
 * up only where they are saved already; else it goes on to its end, so that nothing before it is lost.
 *
 * @example
 * for (const portion of portions) if (!(await stop.asked())) await takeGradients(portion);
 * await stop.meet();
 * if (await step()) stop.noteStep();
 */
export class IterationStop {
  private readonly options: IterationStopOptions;
  private readonly given = new AbortController();
  private hasStepped = false;

  constructor(options: IterationStopOptions) {
    this.options = options;
  }

  /** Aborted once the iteration is given up, on all ranks. */
  get signal(): AbortSignal {
    return this.given.signal;
  }

  /** Whether an optimiser step has been taken: weights are no longer those that the iteration began with. */
  get stepped(): boolean {
    return this.hasStepped;
  }

  /** Whether this rank was told to stop and may; if so, it goes on saying so until the ranks meet. */
  async asked(): Promise<boolean> {
    const { signal, resumable } = this.options;
    if (signal === undefined || (this.hasStepped && !resumable)) return false;
    await nextTurn(); // lets a signal in: an engine that never waits would keep it out
    return signal.aborted;
  }

  /** Goes on if no rank was told to stop. Every rank calls it. @throws the reason of {@link IterationStop.signal}. */
  async meet(): Promise<void> {
    const { group, signal } = this.options;
    if (await onAnyRank(group, await this.asked())) this.given.abort(signal?.reason);
    this.given.signal.throwIfAborted();
  }

  /** Notes that an optimiser step has been taken. */
  noteStep(): void {
    this.hasStepped = true;
  }
}
