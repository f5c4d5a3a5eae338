import { ConfigError } from '@thinkrl/spec';
import { checkName } from './check-name.ts';

/** What the flow-level loss is; see {@link flowLoss}. */
export interface FlowObjective {
  /**
   * Ratios in `[1 - clip, 1 + clip]` are left as they are. Small, because the log-probability is a mean over latent
   * elements.
   * @defaultValue 1e-4
   */
  readonly clip?: number;
  /** Overrides `clip` upwards. @defaultValue `clip` */
  readonly clipHigh?: number;
  /**
   * Weight of the KL to the reference, per latent element.
   * @defaultValue 0
   */
  readonly beta?: number;
  /**
   * What the KL divides by: the variance of the transition (the true KL), or the square of the noise level without the
   * step length, as the code of Flow-GRPO does.
   * @defaultValue 'transition'
   */
  readonly varianceOf?: 'transition' | 'flowGrpo';
  /**
   * Advantages are clamped to plus and minus this.
   * @defaultValue 5
   */
  readonly advantageClamp?: number;
  /**
   * Normalises ratio and gradient over steps as GRPO-Guard does; see {@link guardedRatio}.
   * @defaultValue false
   */
  readonly guard?: boolean;
  /** Edits to divide by instead of those in the batch: the group's size to count left-out samples as zeros. */
  readonly edits?: number;
}

/** {@link FlowObjective} with every default filled in. */
export type ResolvedFlowObjective = Required<Omit<FlowObjective, 'edits'>> & Pick<FlowObjective, 'edits'>;

/**
 * Fills in defaults and checks the numbers.
 *
 * @throws ConfigError naming the field.
 */
export function resolveFlowObjective(objective: FlowObjective): ResolvedFlowObjective {
  const clip = objective.clip ?? 1e-4;
  const resolved: ResolvedFlowObjective = {
    clip,
    clipHigh: clip,
    beta: 0,
    varianceOf: 'transition',
    advantageClamp: 5,
    guard: false,
    ...objective,
  };
  checkName('varianceOf', resolved.varianceOf, ['transition', 'flowGrpo']);
  for (const field of ['clip', 'clipHigh', 'beta'] as const)
    if (!(resolved[field] >= 0 && resolved[field] < Number.POSITIVE_INFINITY))
      throw new ConfigError({ field, value: resolved[field], fix: 'use a number of at least 0' });
  for (const field of ['advantageClamp', 'edits'] as const) {
    const value = resolved[field];
    if (value !== undefined && !(value > 0)) throw new ConfigError({ field, value, fix: 'use more than 0' });
  }
  return resolved;
}
