import * as tf from '@tensorflow/tfjs-core';
import { flowKl, flowRatio, guardedRatio } from './flow-loss.ts';
import { type FlowObjective, resolveFlowObjective } from './flow-objective.ts';
import { checkFlowStep, type FlowStep } from './flow-step.ts';

/** What a flow-level update looks like; means are over edits. */
export interface FlowStatistics {
  readonly edits: number;
  readonly ratioMean: number;
  /** Largest |ratio - 1|; 0 on policy. */
  readonly ratioGap: number;
  /** Largest |logp - logp_old|, nats per latent element. */
  readonly logProbGap: number;
  /** `mean((logp - logp_old)^2) / 2`. */
  readonly approximateKl: number;
  /** Share of ratios below `1 - clip`, above `1 + clipHigh`, and both, whatever the sign of the advantage. */
  readonly clipLow: number;
  readonly clipHigh: number;
  readonly clipFraction: number;
  /** Share of advantages beyond the clamp. */
  readonly advantageClamped: number;
  /** Mean KL to the reference per latent element; null without a reference. */
  readonly kl: number | null;
}

/**
 * Statistics of what {@link flowLoss} would do with the same arguments; shares no state with it.
 *
 * @throws GrpoError as {@link flowLoss} does.
 */
export async function flowStatistics(step: FlowStep, objective: FlowObjective = {}): Promise<FlowStatistics> {
  const resolved = resolveFlowObjective(objective);
  checkFlowStep(step);
  const ratios = await read(() => (resolved.guard ? guardedRatio(step) : flowRatio(step)));
  const logs = await read(() => tf.sub(step.logProb, step.oldLogProb ?? step.logProb));
  const advantages = await read(() => tf.clone(step.advantages));
  const withReference = step.referenceMean !== undefined;
  const kl = withReference ? mean(await read(() => flowKl(step, resolved.varianceOf))) : null;
  const clipLow = mean(ratios.map((ratio) => Number(1 - ratio > resolved.clip)));
  const clipHigh = mean(ratios.map((ratio) => Number(ratio - 1 > resolved.clipHigh)));
  return {
    edits: ratios.length,
    ratioMean: mean(ratios),
    ratioGap: Math.max(...ratios.map((ratio) => Math.abs(ratio - 1))),
    logProbGap: Math.max(...logs.map(Math.abs)),
    approximateKl: mean(logs.map((log) => (log * log) / 2)),
    clipLow,
    clipHigh,
    clipFraction: clipLow + clipHigh,
    advantageClamped: mean(advantages.map((a) => Number(Math.abs(a) > resolved.advantageClamp))),
    kl,
  };
}

async function read(compute: () => tf.Tensor): Promise<readonly number[]> {
  const tensor = tf.tidy(compute);
  const values = Array.from(await tensor.data());
  tensor.dispose();
  return values;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
