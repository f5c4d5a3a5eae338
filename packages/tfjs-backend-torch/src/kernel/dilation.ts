import { type KernelConfig, util } from '@tensorflow/tfjs-core';
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
      try {
        const positive = steps.every((step) => Number.isInteger(step) && step > 0);
        util.assert(positive, () => `the strides and dilations ${steps} are not positive`);
      } catch (cause) {
        throw refusal({ kernelName, inputs: params.inputs, cause });
      }
      return kernelFunc(params);
    },
  };
}
