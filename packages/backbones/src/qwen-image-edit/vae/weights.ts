import { type HostTensor, mapTensors } from '@thinkrl/nn';

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
  const area = height * width;
  const pick = <T extends Float32Array | Uint16Array>(from: T, to: T): T => {
    for (let kernel = 0; kernel < outputs * inputs; kernel++) {
      const start = (kernel * time + time - 1) * area;
      to.set(from.subarray(start, start + area), kernel * area);
    }
    return to;
  };
  return lazily(tensor, shape, pick);
}

function reshaped(tensor: HostTensor, shape: readonly number[]): HostTensor {
  return lazily(tensor, shape, (from) => from);
}

type Pick = <T extends Float32Array | Uint16Array>(from: T, to: T) => T;

/** A tensor whose values are picked from those of another when they are asked for. */
function lazily(tensor: HostTensor, shape: readonly number[], pick: Pick): HostTensor {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const data = () => pick(tensor.data as Float32Array, new Float32Array(size));
  if (!('bits' in tensor))
    return {
      shape,
      get data() {
        return data();
      },
    };
  return {
    shape,
    get bits() {
      const { storage, words } = tensor.bits!;
      return { storage, words: pick(words, new Uint16Array(size)) };
    },
    get data() {
      return data();
    },
  };
}
