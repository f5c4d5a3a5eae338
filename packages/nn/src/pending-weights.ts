import type { ParameterMap } from './modules/module.ts';
import { type LoadOptions, loadParameters, requireSameShapes } from './parameters.ts';
import type { OpenSafetensors } from './safetensors/open.ts';

/** Weights of a model that are in their files still: for a model that is cut up before it would fit. */
export interface PendingWeights {
  /** Gives some of the model's parameters, by their names in it, their weights. */
  fill(parameters: ParameterMap): void;
  /** Closes the files. */
  close(): void;
}

/**
 * Leaves weights in their files until they are asked for. Strict like `loadParameters`, whatever is asked for later.
 *
 * @throws ParameterMismatchError with what is missing, unexpected or of another shape.
 * @example
 * const model = new Editor(size); // its parameters take no room before they are loaded
 * const pending = leavePending(model.parameters(), openCheckpoint(folder));
 * const sharded = fullyShard(model, { group, units: model.blocks, fill: pending.fill });
 * pending.close();
 */
export function leavePending(
  parameters: ParameterMap,
  { tensors, close }: Pick<OpenSafetensors, 'tensors' | 'close'>,
  options: LoadOptions = {},
): PendingWeights {
  requireSameShapes(new Map([...parameters].map(([name, { shape }]) => [name, shape])), tensors);
  return {
    close,
    fill(some) {
      const own = [...some.keys()].map((name) => [name, tensors.get(name)!] as const);
      loadParameters(some, new Map(own.filter(([, tensor]) => tensor !== undefined)), options);
    },
  };
}
