import {
  AdamW,
  clipScale,
  ExponentialAverage,
  globalNorm,
  gradients,
  type Objective,
  type ParameterMap,
  warmupFlatLinear,
} from '@thinkrl/nn';

/** Means over the steps since the last report. */
export interface PretrainProgress {
  /** Steps taken so far. */
  readonly step: number;
  /** Seconds since the start. */
  readonly seconds: number;
  readonly learningRate: number;
  /** Mean loss terms by name. */
  readonly losses: Readonly<Record<string, number>>;
  /** Averaged weights; they stay owned by the training. */
  readonly average: ParameterMap;
}

/** Settings of a supervised training. */
export interface FitOptions {
  readonly parameters: ParameterMap;
  readonly steps: number;
  /** 1e-3 unless given. */
  readonly learningRate?: number;
  /** Steps between reports; 50 unless given. */
  readonly reportEvery?: number;
  readonly onProgress?: (progress: PretrainProgress) => void | Promise<void>;
}

const WARM_UP = 100;
const FLAT_SHARE = 0.15;
const FLOOR = 0.02;
const MOST_AVERAGING = 0.998;

/**
 * Minimises `objective(step)` with AdamW (0.9, 0.95), gradients clipped to norm 1, a learning rate with warm-up, flat
 * part and linear decay, and leaves the exponential average of the weights in the parameters.
 */
export async function fit(
  objective: (step: number) => Objective<string>,
  options: FitOptions,
): Promise<void> {
  const { parameters, steps, learningRate: peak = 1e-3, reportEvery = 50, onProgress } = options;
  const optimizer = AdamW.create({
    parameters,
    learningRate: peak,
    beta1: 0.9,
    beta2: 0.95,
    weightDecay: 0.01,
  });
  const average = new ExponentialAverage(parameters);
  const warmup = Math.min(WARM_UP, Math.ceil(steps / 10));
  const rate = warmupFlatLinear({ peak, total: steps, warmup, flat: FLAT_SHARE * steps, floor: FLOOR });
  const meter = new Meter();
  const started = performance.now();
  for (let step = 0; step < steps; step++) {
    const result = gradients(() => objective(step), parameters);
    const norm = globalNorm([...result.gradients.values()]);
    const gradientScale = clipScale((await norm.data())[0]!, 1);
    optimizer.step(result.gradients, { learningRate: rate(step), gradientScale });
    average.update(Math.min(MOST_AVERAGING, 1 - 10 / (step + 11)));
    for (const [name, tensor] of Object.entries(result.stats)) meter.add(name, (await tensor.data())[0]!);
    result.dispose();
    norm.dispose();
    if ((step + 1) % reportEvery === 0 || step + 1 === steps) {
      const seconds = (performance.now() - started) / 1000;
      const report = { step: step + 1, seconds, learningRate: rate(step), losses: meter.means() };
      await onProgress?.({ ...report, average: average.values() });
    }
  }
  for (const [name, parameter] of parameters) parameter.assign(average.values().get(name)!);
  average.dispose();
  optimizer.dispose();
}

class Meter {
  private readonly sums = new Map<string, { total: number; count: number }>();

  add(name: string, value: number): void {
    const { total, count } = this.sums.get(name) ?? { total: 0, count: 0 };
    this.sums.set(name, { total: total + value, count: count + 1 });
  }

  means(): Record<string, number> {
    const means = Object.fromEntries([...this.sums].map(([name, { total, count }]) => [name, total / count]));
    this.sums.clear();
    return means;
  }
}
