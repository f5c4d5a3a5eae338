import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { refusal } from './refusal.ts';

/** Name under which the backend and its kernels are registered. */
export const backendName = 'torch';

/** A kernel body over typed inputs and attributes. */
export type KernelBody<Inputs, Attributes> = (
  inputs: Inputs,
  attributes: Attributes,
) => TensorInfo | TensorInfo[];

/** A tfjs kernel registration for this backend. */
export function kernel<Inputs, Attributes = object>(
  kernelName: string,
  body: KernelBody<Inputs, Attributes>,
): KernelConfig {
  return {
    kernelName,
    backendName,
    kernelFunc: ({ inputs, attrs }) => {
      try {
        return body(inputs as unknown as Inputs, attrs as unknown as Attributes);
      } catch (cause) {
        throw refusal({ kernelName, inputs, cause });
      }
    },
  };
}
