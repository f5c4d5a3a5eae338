import { dispose, type Tensor } from '@tensorflow/tfjs-core';
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
