import type { Tensor } from '@tensorflow/tfjs-core';
import { averageGradients, type ProcessGroup } from '@thinkrl/fsdp-shard';
import { type AdamW, clipScale, globalNorm } from '@thinkrl/nn';

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

/** Averages over ranks, clips by global norm and steps; leaves the step out when anything is not finite. */
export async function gradientStep(
  { loss, gradients }: { readonly loss: number; readonly gradients: ReadonlyMap<string, Tensor> },
  options: GradientStepOptions,
): Promise<GradientStep> {
  const averaged = await averageGradients(options.processGroup, gradients);
  const norm = globalNorm([...averaged.values()]);
  const gradientNorm = (await norm.data())[0]!;
  norm.dispose();
  const applied = Number.isFinite(loss) && Number.isFinite(gradientNorm);
  if (applied) {
    options.optimizer.step(averaged, { gradientScale: clipScale(gradientNorm, options.maxGradientNorm) });
  }
  return { gradientNorm, applied };
}
