import { ConfigError } from '@thinkrl/spec';

/** Settings of {@link warmupFlatLinear}. Lengths are in steps. */
export interface LearningRateOptions {
  readonly peak: number;
  readonly total: number;
  /** Steps of linear warm-up; none unless given. */
  readonly warmup?: number;
  /** The decay starts after so many steps; at once unless given. */
  readonly flat?: number;
  /** Where the linear decay ends, as a share of `peak`; 0 unless given. */
  readonly floor?: number;
}

/** Learning rate of each step, the first being 0. */
export type LearningRate = (step: number) => number;

/**
 * Linear warm-up to `peak`, flat, then a straight line that reaches `floor · peak` at `total`. Warm-up and decay
 * multiply where they overlap. Throws {@link ConfigError} on impossible lengths.
 *
 * @example
 * const rate = warmupFlatLinear({ peak: 1e-3, warmup: 100, flat: 600, total: 4000, floor: 0.02 });
 */
export function warmupFlatLinear(options: LearningRateOptions): LearningRate {
  const { peak, total, warmup = 0, flat = 0, floor = 0 } = options;
  if (!(total > 0))
    throw new ConfigError({ field: 'total', value: total, fix: 'use a positive number of steps' });
  if (flat >= total)
    throw new ConfigError({ field: 'flat', value: flat, fix: `use fewer steps than total (${total})` });
  return (step) => {
    const warm = warmup > 0 ? Math.min(1, (step + 1) / warmup) : 1;
    const decay = 1 - Math.max(0, step - flat) / (total - flat);
    return peak * warm * Math.max(floor, decay);
  };
}
