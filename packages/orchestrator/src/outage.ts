import { setTimeout as pause } from 'node:timers/promises';
import { type Chain, ConfigError, type EditTask, type JudgedChain } from '@thinkrl/spec';
import type { Reward } from './collect.ts';
import { growingPauses, type PauseOptions } from './pauses.ts';

/** How a judge's outage is ridden out. */
export interface OutageOptions extends PauseOptions {
  /** A batch counts as lost when at least this share of its chains is unjudged; 1 unless given. */
  readonly share?: number;
  /** Ends the waiting where a call has no signal of its own: the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Told before each pause. */
  readonly onPause?: (outage: Outage) => void;
}

/** A pause in the judging. */
export interface Outage {
  readonly unjudged: number;
  readonly chains: number;
  /** Until the next attempt. */
  readonly seconds: number;
  /** What the judge said of the first chain it left out. */
  readonly reason: string;
}

/**
 * A reward that waits while its judge is away instead of giving a batch up: chains without a judgement are judged again
 * under the same keys, those that have one are left alone, so an outage changes when a run ends and nothing else. A few
 * unjudged chains among judged ones are no outage and stay unjudged.
 *
 * @throws ConfigError for a share outside (0, 1] or pauses that are not above 0.
 * @example
 * const patient = ridingOutages(reward, { onPause: ({ reason, seconds }) => console.warn(reason, seconds) });
 */
export function ridingOutages<Task extends EditTask>(
  reward: Reward<Task>,
  options: OutageOptions = {},
): Reward<Task> {
  const share = checkedShare(options);
  const secondsAfter = growingPauses(options);
  return {
    dimensions: reward.dimensions,
    async judge(chains, key, call) {
      const signal = call?.signal ?? options.signal;
      const judged = new Map<Chain<Task>, JudgedChain<Task>>();
      let lost = chains;
      for (let attempt = 0; ; attempt++) {
        for (const member of await reward.judge(lost, key, call)) judged.set(member.chain, member);
        lost = chains.filter((chain) => reasonOf(judged.get(chain)!) !== undefined);
        if (lost.length === 0 || lost.length < share * chains.length) break;
        const seconds = secondsAfter(attempt);
        const reason = reasonOf(judged.get(lost[0]!)!)!;
        options.onPause?.({ unjudged: lost.length, chains: chains.length, seconds, reason });
        await pause(1000 * seconds, undefined, signal && { signal });
      }
      return chains.map((chain) => judged.get(chain)!);
    },
  };
}

function reasonOf({ stages }: JudgedChain): string | undefined {
  return stages.find((stage) => stage.unjudged !== undefined)?.unjudged;
}

function checkedShare({ share = 1 }: OutageOptions): number {
  if (!(share > 0 && share <= 1))
    throw new ConfigError({ field: 'share', value: share, fix: 'use a number above 0 and at most 1' });
  return share;
}
