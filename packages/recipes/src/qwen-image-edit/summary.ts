import type { EngineReport } from '@thinkrl/engine';
import { type RunFolder, readMetrics, writeWhole } from '@thinkrl/orchestrator';
import type { StepReport } from '@thinkrl/spec';
import type { QwenEditConfig } from './config.ts';

/** What a run came to, as written to `summary.json`. */
export interface QwenEditSummary {
  readonly recipe: 'qwen-image-edit';
  readonly seed: number;
  readonly mode: QwenEditConfig['mode'];
  readonly grouping: QwenEditConfig['grouping']['method'];
  readonly iterations: number;
  readonly seconds: { readonly train: number };
  /** Mean reward by dimension over the first and the last tenth of the iterations, in [0, 1]. */
  readonly rewards: Readonly<Record<'first' | 'last', Readonly<Record<string, number>>>>;
  readonly engine: string;
  readonly chainsPerSecond: number;
  readonly keptShare: number;
}

/** Sums a finished run up and writes `summary.json`. */
export function writeSummary(
  folder: RunFolder,
  config: QwenEditConfig,
  engine: EngineReport,
): QwenEditSummary {
  const steps = readMetrics(folder.metrics);
  const train = steps.reduce((sum, { seconds }) => sum + seconds.sample + seconds.update, 0);
  const chains = steps.reduce((sum, step) => sum + step.chains, 0);
  const tenth = Math.ceil(steps.length / 10);
  const summary: QwenEditSummary = {
    recipe: 'qwen-image-edit',
    seed: config.seed,
    mode: config.mode,
    grouping: config.grouping.method,
    iterations: steps.length,
    seconds: { train: rounded(train, 1) },
    rewards: {
      first: meanRewards(steps.slice(0, tenth)),
      last: meanRewards(steps.slice(steps.length - tenth)),
    },
    engine: `${engine.name} ${engine.version}`,
    chainsPerSecond: rounded(chains / Math.max(train, 1e-9), 4),
    keptShare: rounded(mean(steps.map(({ keptShare }) => keptShare)), 4),
  };
  writeWhole(folder.summary, `${JSON.stringify(summary, null, 2)}\n`);
  return summary;
}

function meanRewards(steps: readonly StepReport[]): Readonly<Record<string, number>> {
  const names = Object.keys(steps[0]?.rewards ?? {});
  return Object.fromEntries(
    names.map((name) => [name, rounded(mean(steps.map(({ rewards }) => rewards[name]!)), 4)]),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
