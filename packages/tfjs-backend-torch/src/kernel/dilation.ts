import type { KernelConfig } from '@tensorflow/tfjs-core';
import { onHost } from './host.ts';
import { refusal } from './refusal.ts';

interface Steps {
  readonly strides: number | readonly number[];
  readonly dilations: number | readonly number[];
}

/** A dilation kernel over host values; its loops would not end at a stride of zero. */
export function dilation(kernelName: string): KernelConfig {
  const { kernelFunc, ...config } = onHost(kernelName);
  return {
    ...config,
    kernelFunc: (params) => {
      const { strides, dilations } = params.attrs as unknown as Steps;
      const steps = [strides, dilations].flat();
      if (steps.every((step) => Number.isInteger(step) && step > 0)) return kernelFunc(params);
      const cause = new RangeError(`the strides and dilations ${steps} are not positive`);
      throw refusal({ kernelName, inputs: params.inputs, cause });
    },
  };
}
