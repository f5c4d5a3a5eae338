import type * as tf from '@tensorflow/tfjs-core';
import { checkpoint, type ParameterMap, type TensorFunction } from '@thinkrl/nn';

/**
 * One block of the stack by itself: what a sharder gathers weights for, or what is computed again in the backward pass
 * instead of being kept.
 */
export interface BlockUnit {
  /** Where the block lies in the checkpoint: `transformer_blocks.0`. */
  readonly place: string;
  /** The block's parameters by checkpoint name; an adapter's are not among them. */
  readonly parameters: ParameterMap;
}

/** One run of a unit: `fn(...inputs, ...constants)`, to be differentiated by the inputs only. */
export interface UnitRun {
  readonly fn: TensorFunction;
  readonly inputs: readonly tf.Tensor[];
  readonly constants: readonly tf.Tensor[];
}

/** Runs a unit; whoever wraps it decides what is kept and where its weights are. */
export type RunUnit = (unit: BlockUnit, run: UnitRun) => tf.Tensor;

/** Runs units as they are. */
export const plainUnits: RunUnit = (_, { fn, inputs, constants }) => fn(...inputs, ...constants);

/**
 * Runs units with gradient checkpointing. `trainable` are the parameters that get a gradient, by names that begin with the
 * place of their block: an adapter's, or the model's own.
 *
 * @example
 * const backbone = new QwenImageBackbone({ ...parts, runUnit: checkpointedUnits(adapter.parameters()) });
 */
export function checkpointedUnits(trainable: ParameterMap): RunUnit {
  const byPlace = new Map<string, readonly tf.Variable[]>();
  const variables = (place: string) => {
    const known = byPlace.get(place);
    if (known !== undefined) return known;
    const own = [...trainable]
      .filter(([name]) => name.startsWith(`${place}.`))
      .map(([, variable]) => variable);
    byPlace.set(place, own);
    return own;
  };
  return ({ place }, { fn, inputs, constants }) => checkpoint(fn, variables(place), constants)(...inputs);
}
