import * as tf from '@tensorflow/tfjs-core';
import { copyTensor, type HostData, type HostTensor, mapTensors } from '@thinkrl/nn';

/**
 * Tensors of a released autoencoder as {@link QwenImageVae} takes them: the last temporal tap of kernels over time, pointwise
 * kernels as matrices, gains as vectors; what only acts between frames is left out. Values are still read when asked for.
 */
export function vaeTensors(tensors: ReadonlyMap<string, HostTensor>): ReadonlyMap<string, HostTensor> {
  return mapTensors(tensors, [
    { match: /\.time_conv\./, drop: true },
    { match: /\.gamma$/, change: (tensor) => reshaped(tensor, [tensor.shape[0]!]) },
    { match: /(conv_shortcut|quant_conv|to_qkv|proj)\.weight$/, change: asMatrix },
    { match: /\.weight$/, change: lastTap },
  ]);
}

function asMatrix(tensor: HostTensor): HostTensor {
  const [outputs, inputs, ...kernel] = tensor.shape as [number, number, ...number[]];
  return kernel.every((size) => size === 1) ? reshaped(tensor, [outputs, inputs]) : tensor;
}

/** `[out, in, time, height, width]` to its last time, `[out, in, height, width]`; others as they are. */
function lastTap(tensor: HostTensor): HostTensor {
  if (tensor.shape.length !== 5) return tensor;
  const [outputs, inputs, time, height, width] = tensor.shape as [number, number, number, number, number];
  const shape = [outputs, inputs, height, width];
  return {
    shape,
    get data() {
      return lastOf(tensor.data, { time, area: height * width });
    },
    partOf: {
      whole: tensor,
      take: (whole) => copyTensor(tf.reshape(tf.slice(whole, [0, 0, time - 1]), shape)),
    },
  };
}

/** The last of every `time` runs of `area` values. */
function lastOf(data: HostData, { time, area }: { readonly time: number; readonly area: number }): HostData {
  const picked = data.slice(0, data.length / time);
  for (let run = 0; run * area < picked.length; run++) {
    const start = (run * time + time - 1) * area;
    picked.set(data.subarray(start, start + area) as Float32Array & BigInt64Array, run * area);
  }
  return picked;
}

/** The same values, read by the getters of `tensor` when they are asked for. */
function reshaped(tensor: HostTensor, shape: readonly number[]): HostTensor {
  return Object.create(tensor, { shape: { value: shape, enumerable: true } }) as HostTensor;
}
