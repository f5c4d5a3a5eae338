import { backend_util, Einsum, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handlesOf, one, operation } from '../storage.ts';

const native = operation('einsum');

/** Sum of products over named axes. */
export const einsum = kernel<TensorInfo[], { equation: string }>(Einsum, (inputs, { equation }) => {
  const { allDims, idDims } = backend_util.decodeEinsumEquation(equation, inputs.length);
  backend_util.checkEinsumDimSizes(allDims.length, idDims, inputs as Tensor[]);
  const letters = Array.from(equation, (letter) => letter.charCodeAt(0));
  return one(native, handlesOf(inputs), letters);
});
