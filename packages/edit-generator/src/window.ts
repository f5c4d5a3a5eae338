import { ConfigError, type Key } from '@thinkrl/spec';

/** Every step but the last, which ends at noise level 0 and is deterministic: `[0, ..., steps - 2]`. */
export function allButLast(steps: number): readonly number[] {
  return Array.from({ length: Math.max(0, steps - 1) }, (_, step) => step);
}

/** The first half of the steps, where noise still changes what is painted; never the last step. */
export function firstHalf(steps: number): readonly number[] {
  return allButLast(steps).slice(0, Math.ceil(steps / 2));
}

/** Options of {@link drawWindow}. */
export interface WindowOptions {
  /** Denoising steps of the sampler. */
  readonly steps: number;
  /** Stochastic steps to draw. */
  readonly size: number;
  /**
   * Where they may lie.
   * @defaultValue 'allButLast'
   */
  readonly within?: 'allButLast' | 'firstHalf';
  /**
   * One run of steps (Flow-GRPO-Fast, MixGRPO), or any of them.
   * @defaultValue 'contiguous'
   */
  readonly shape?: 'contiguous' | 'scattered';
}

/**
 * Draws which steps are stochastic. One window is drawn per group and shared by its members: windows of their own
 * would add their difference to the spread of the rewards (method section 6).
 *
 * @throws ConfigError when the window does not fit.
 * @example
 * const stochastic = drawWindow({ steps: 10, size: 2, within: 'firstHalf' }, key.fold('window')); // such as [3, 4]
 */
export function drawWindow(options: WindowOptions, key: Key): readonly number[] {
  const { steps, size, within = 'allButLast', shape = 'contiguous' } = options;
  const open = within === 'allButLast' ? allButLast(steps) : firstHalf(steps);
  if (!Number.isInteger(size) || size < 1 || size > open.length)
    throw new ConfigError({
      field: 'size',
      value: size,
      fix: `use a whole number from 1 to ${open.length}, the steps that may be stochastic of ${steps}`,
    });
  const stream = key.stream();
  if (shape === 'scattered') return stream.sample(open, size).sort((a, b) => a - b);
  const start = stream.integer(open.length - size + 1);
  return open.slice(start, start + size);
}
