/** Where a series goes. */
export interface Trend {
  /** Change of the fitted line from the first to the last value. */
  readonly change: number;
  /** `level` where the change is within twice its standard error. */
  readonly direction: 'up' | 'down' | 'level';
}

/** Fewer values say nothing. */
const LEAST_VALUES = 8;

/**
 * The trend of a series by least squares; null for fewer than eight values. The standard error takes the residuals for
 * independent; those of neighbouring iterations are not quite.
 */
export function trendOf(values: readonly number[]): Trend | null {
  const count = values.length;
  if (count < LEAST_VALUES) return null;
  const middle = (count - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const spread = (count * (count ** 2 - 1)) / 12; // sum of (i - middle)^2
  const slope = values.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0) / spread;
  const squares = values.reduce((sum, value, i) => sum + (value - mean - slope * (i - middle)) ** 2, 0);
  const error = Math.sqrt(squares / (count - 2) / spread);
  const direction = Math.abs(slope) <= 2 * error ? 'level' : slope > 0 ? 'up' : 'down';
  return { change: slope * (count - 1), direction };
}
