import { dispose } from '@tensorflow/tfjs-core';
import { combineShares, type GradientShare, type ProcessGroup } from '@thinkrl/fsdp-shard';
import { type AdamW, clipScale, globalNorm, type ParameterMap } from '@thinkrl/nn';

/** What turns gradients into an optimiser step. */
export interface GradientStepOptions {
  readonly optimizer: AdamW;
  readonly processGroup: ProcessGroup;
  /** Gradients are scaled down to this global norm. */
  readonly maxGradientNorm: number;
}

/** The outcome of one optimiser step. */
export interface GradientStep {
  /** Global norm before clipping. */
  readonly gradientNorm: number;
  /** False when loss or gradient were not finite; nothing was changed then. */
  readonly applied: boolean;
}

/**
 * Averages over the ranks that have a share, clips by global norm and steps; leaves the step out, on every rank, when
 * anything is not finite on one of them or none has a share. Consumes the gradients.
 */
export async function gradientStep(
  share: GradientShare | null,
  parameters: ParameterMap,
  options: GradientStepOptions,
): Promise<GradientStep> {
  const combined = await combineShares(options.processGroup, share, parameters);
  if (combined === null) return { gradientNorm: 0, applied: false };
  const { loss, gradients } = combined;
  const norm = globalNorm([...gradients.values()]);
  const gradientNorm = (await norm.data())[0]!;
  norm.dispose();
  const applied = Number.isFinite(loss) && Number.isFinite(gradientNorm);
  if (applied) {
    options.optimizer.step(gradients, { gradientScale: clipScale(gradientNorm, options.maxGradientNorm) });
  }
  dispose([...gradients.values()]);
  return { gradientNorm, applied };
}
