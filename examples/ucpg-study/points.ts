import type { RandomStream } from '@thinkrl/spec';

/** How the true rewards of a group are drawn: standard normal, every two dimensions with the same correlation. */
export interface Population {
  readonly samples: number;
  readonly dimensions: number;
  readonly correlation: number;
}

/** Draws a group: `[samples][dimensions]`. */
export function drawGroup(
  { samples, dimensions, correlation }: Population,
  stream: RandomStream,
): number[][] {
  const [common, own] = [Math.sqrt(correlation), Math.sqrt(1 - correlation)];
  return Array.from({ length: samples }, () => {
    const shared = common * stream.normal();
    return Array.from({ length: dimensions }, () => shared + own * stream.normal());
  });
}

/** A group with normal noise of deviation `sigma` on every reward: `[samples][dimensions]`. */
export function withNoise(
  rewards: readonly (readonly number[])[],
  sigma: number,
  stream: RandomStream,
): number[][] {
  return rewards.map((row) => row.map((value) => value + sigma * stream.normal()));
}
