import { dispose, div, mul, scalar, type Tensor, tidy, zerosLike } from '@tensorflow/tfjs-core';
import type { ProcessGroup } from './process-group.ts';

/**
 * Gradients averaged over all ranks by parameter name: data parallelism before the optimiser step.
 *
 * Consumes `gradients`: in a world of one they are returned as they are, otherwise they are disposed.
 */
export async function averageGradients(
  group: ProcessGroup,
  gradients: ReadonlyMap<string, Tensor>,
): Promise<ReadonlyMap<string, Tensor>> {
  if (group.worldSize === 1) return gradients;
  const names = [...gradients.keys()];
  const local = [...gradients.values()];
  const averaged = await group.allReduce(local, 'mean');
  dispose(local);
  return new Map(names.map((name, i) => [name, averaged[i]!]));
}

/** What one rank learns from: its loss and the gradients of it. */
export interface GradientShare {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, Tensor>;
  /** How much it counts beside those of other ranks, as a rule what the loss is a mean over; 1 unless given. */
  readonly weight?: number;
}

/**
 * Mean loss and mean gradients over the ranks that have a share, by weight; null when none has. A rank that has nothing to
 * learn from gives null and gets the same as the others, so that all take the same step or none does. A loss that is not
 * finite on one rank is so on all.
 *
 * `parameters` are those of the module, the same on every rank. Consumes the gradients of the share.
 *
 * @example
 * const all = await combineShares(group, samples > 0 ? { loss, gradients } : null, model.parameters());
 */
export async function combineShares(
  group: ProcessGroup,
  share: GradientShare | null,
  parameters: ReadonlyMap<string, Tensor>,
): Promise<GradientShare | null> {
  if (group.worldSize === 1) return share;
  const names = [...parameters.keys()];
  const weight = share === null ? 0 : (share.weight ?? 1);
  const own = tidy(() => [
    scalar(weight),
    scalar(weight * (share?.loss ?? 0)),
    ...names.map((name) => {
      const gradient = share?.gradients.get(name);
      return gradient === undefined ? zerosLike(parameters.get(name)!) : mul(gradient, weight);
    }),
  ]);
  const sums = await group.allReduce(own, 'sum');
  dispose([...own, ...(share?.gradients.values() ?? [])]);
  const [weights, loss] = await Promise.all([sums[0]!.data(), sums[1]!.data()]);
  const total = weights[0]!;
  const means = tidy(() => (total === 0 ? [] : sums.slice(2).map((sum) => div(sum, total))));
  dispose([...sums]);
  if (total === 0) return null;
  return { loss: loss[0]! / total, gradients: new Map(names.map((name, i) => [name, means[i]!])) };
}
