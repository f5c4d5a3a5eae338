import { ConfigError, type EditTask } from '@thinkrl/spec';
import type { RewardDimension, ScoreRequest } from './dimension.ts';

/** A number in [0, 1] computed from task and picture; any noise comes from `request.key`. */
export type Metric<Task extends EditTask = EditTask> = (request: ScoreRequest<Task>) => number;

/** Settings of {@link metricDimension}. */
export interface MetricDimensionOptions<Task extends EditTask = EditTask> {
  readonly name: string;
  readonly metric: Metric<Task>;
}

/**
 * A reward dimension that is computed, not asked: consistency outside the edited region, picture quality.
 *
 * @example
 * const size = metricDimension({ name: 'size', metric: ({ image }) => Math.min(1, image.width / 1024) });
 */
export function metricDimension<Task extends EditTask>(
  options: MetricDimensionOptions<Task>,
): RewardDimension<Task> {
  const { name, metric } = options;
  return {
    name,
    score: async (requests) => requests.map((request) => ({ value: metric(request) })),
  };
}

/** Settings of {@link roughMetric}. */
export interface RoughMetricOptions {
  /** Standard deviation of the normal noise added; 0 for none. */
  readonly noise: number;
  /** Step to which the noisy value is rounded; 0 for none. */
  readonly rounding: number;
}

/**
 * A metric as a model would give it: normal noise added, rounded to steps, clipped to [0, 1].
 *
 * @throws ConfigError for a negative or non-finite setting.
 * @example
 * const rough = roughMetric(() => 0.4, { noise: 0, rounding: 0.25 }); // 0.5
 */
export function roughMetric<Task extends EditTask>(
  metric: Metric<Task>,
  options: RoughMetricOptions,
): Metric<Task> {
  const { noise, rounding } = options;
  for (const [field, value] of Object.entries({ noise, rounding }))
    if (!(value >= 0 && value <= 1)) throw new ConfigError({ field, value, fix: 'use a number from 0 to 1' });
  return (request) => {
    const error = noise === 0 ? 0 : noise * request.key.fold('noise').stream().normal();
    const value = metric(request) + error;
    const stepped = rounding === 0 ? value : Math.round(value / rounding) * rounding;
    return Math.min(1, Math.max(0, stepped));
  };
}
