import type { TensorInfo } from '@tensorflow/tfjs-core';
import { discard, handleOf, type Operation, one, operation } from '../storage.ts';

const add = operation('add');
const prelu = operation('prelu');
const leaky = operation('leaky_relu');
const reshape = operation('reshape');
const simple: Readonly<Record<string, Operation>> = {
  relu: operation('relu'),
  relu6: operation('relu6'),
  elu: operation('elu'),
  sigmoid: operation('sigmoid'),
};

interface EpilogueInputs {
  readonly bias?: TensorInfo;
  readonly preluActivationWeights?: TensorInfo;
}

interface EpilogueAttributes {
  readonly activation: string;
  readonly leakyreluAlpha?: number;
  readonly dataFormat?: 'NHWC' | 'NCHW';
}

/** Per-channel values as something that broadcasts over NCHW; the caller discards it if it is new. */
function alongChannels(values: TensorInfo, format: string | undefined): TensorInfo {
  if (format !== 'NCHW' || values.shape.length !== 1 || values.shape[0] === 1) return values;
  return one(reshape, handleOf(values), [values.shape[0]!, 1, 1]);
}

function combine(
  operationOf: Operation,
  x: TensorInfo,
  values: TensorInfo,
  format: string | undefined,
): TensorInfo {
  const spread = alongChannels(values, format);
  const result = one(operationOf, handleOf(x), handleOf(spread));
  discard(x);
  if (spread !== values) discard(spread);
  return result;
}

/** Adds the bias and applies the activation to a product this kernel made; the product is discarded. */
export function epilogue(
  product: TensorInfo,
  inputs: EpilogueInputs,
  attributes: EpilogueAttributes,
): TensorInfo {
  const { bias, preluActivationWeights } = inputs;
  const { activation, leakyreluAlpha, dataFormat } = attributes;
  const sum = bias ? combine(add, product, bias, dataFormat) : product;
  if (activation === 'prelu') return combine(prelu, sum, preluActivationWeights!, dataFormat);
  if (!activation || activation === 'linear') return sum;
  const result =
    activation === 'leakyrelu'
      ? one(leaky, handleOf(sum), leakyreluAlpha ?? 0.2)
      : one(simple[activation]!, handleOf(sum));
  discard(sum);
  return result;
}
