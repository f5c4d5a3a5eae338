import { ConfigError } from '@thinkrl/spec';

/** Noise levels of a sampler, falling from 1 to 0: `[steps + 1]`. */
export type Sigmas = readonly number[];

/** Makes the noise levels for a latent of `tokens` positions. */
export type Schedule = (tokens: number) => Sigmas;

/** Evenly spaced noise levels, `1, (n - 1) / n, ..., 1 / n, 0`. */
export function uniformSigmas(steps: number): Sigmas {
  if (!Number.isInteger(steps) || steps < 1)
    throw new ConfigError({ field: 'steps', value: steps, fix: 'use a whole number of at least 1' });
  return Array.from({ length: steps + 1 }, (_, i) => (steps - i) / steps);
}

/** Static time shift: `s' = shift s / (1 + (shift - 1) s)`. */
export function shiftSigma(sigma: number, shift: number): number {
  return (shift * sigma) / (1 + (shift - 1) * sigma);
}

/** Dynamic time shift: `s' = w / (w + (1 / s - 1))` with `w = e^mu` (exponential) or `mu` (linear). */
export function timeShift(sigma: number, mu: number, type: 'exponential' | 'linear' = 'exponential'): number {
  const weight = type === 'exponential' ? Math.exp(mu) : mu;
  return sigma === 0 ? 0 : weight / (weight + (1 / sigma - 1));
}

/** How `mu` of the dynamic shift grows with the latent's size; the values of the released Qwen-Image-Edit. */
export interface DynamicShift {
  /** @defaultValue 0.5 */
  readonly baseShift?: number;
  /** @defaultValue 0.9 */
  readonly maxShift?: number;
  /** @defaultValue 256 */
  readonly baseTokens?: number;
  /** @defaultValue 8192 */
  readonly maxTokens?: number;
  /** @defaultValue 'exponential' */
  readonly type?: 'exponential' | 'linear';
}

/**
 * `mu` of the dynamic shift: linear in the tokens of the noisy latent, through `baseShift` at `baseTokens` and
 * `maxShift` at `maxTokens`, not clamped.
 */
export function dynamicMu(tokens: number, shift: DynamicShift = {}): number {
  const { baseShift = 0.5, maxShift = 0.9, baseTokens = 256, maxTokens = 8192 } = shift;
  const slope = (maxShift - baseShift) / (maxTokens - baseTokens);
  return baseShift + slope * (tokens - baseTokens);
}

/** Stretches levels so that the last one before 0 is `terminal`; the first one keeps its distance from 1. */
function stretchToTerminal(sigmas: Sigmas, terminal: number): Sigmas {
  const scale = (1 - sigmas.at(-2)!) / (1 - terminal);
  return sigmas.map((sigma, i) => (i === sigmas.length - 1 ? 0 : 1 - (1 - sigma) / scale));
}

/** A flow-match schedule: uniform levels, then a static or a dynamic shift, then a stretch to a terminal level. */
export interface ScheduleOptions {
  readonly steps: number;
  /**
   * Static shift.
   * @defaultValue 1, none
   */
  readonly shift?: number;
  /** Shift by the size of the latent; instead of `shift`. */
  readonly dynamic?: DynamicShift;
  /** Level before the last step, to 0. */
  readonly terminal?: number;
}

/**
 * The schedule that the options describe. Released Qwen-Image-Edit: `{ steps: 40, dynamic: {}, terminal: 0.02 }`;
 * its distilled LoRAs: `{ steps: 4, dynamic: { baseShift: Math.log(3), maxShift: Math.log(3) } }`.
 *
 * @throws ConfigError for steps or shifts that make no schedule.
 * @example
 * flowMatchSchedule({ steps: 4, shift: 3 })(1024); // [1, 0.9, 0.75, 0.5, 0]
 */
export function flowMatchSchedule(options: ScheduleOptions): Schedule {
  const { steps, shift = 1, dynamic, terminal } = options;
  const uniform = uniformSigmas(steps);
  if (!(shift > 0)) throw new ConfigError({ field: 'shift', value: shift, fix: 'use more than 0' });
  if (dynamic !== undefined && options.shift !== undefined)
    throw new ConfigError({ field: 'shift', value: shift, fix: 'use either shift or dynamic, not both' });
  if (terminal !== undefined && !(terminal > 0 && terminal < 1 && steps > 1))
    throw new ConfigError({
      field: 'terminal',
      value: terminal,
      fix: 'use a level between 0 and 1, and more than one step',
    });
  return (tokens) => {
    const shifted = uniform.map((sigma) =>
      dynamic === undefined
        ? shiftSigma(sigma, shift)
        : timeShift(sigma, dynamicMu(tokens, dynamic), dynamic.type),
    );
    return terminal === undefined ? shifted : stretchToTerminal(shifted, terminal);
  };
}
