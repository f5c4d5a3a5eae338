import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runFused } from './fused.ts';

/** Weights as PyTorch keeps them. */
export interface ConvolutionWeights {
  /** `[out, in / groups, ...kernel]`. */
  readonly weight: tf.Tensor;
  /** `[out]`. */
  readonly bias?: tf.Tensor | undefined;
}

/** One entry per spatial axis; no padding, stride 1 and dilation 1 unless given. */
export interface ConvolutionOptions {
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  /** Zeros before each axis. */
  readonly before?: readonly number[];
  /** Zeros after each axis. */
  readonly after?: readonly number[];
  readonly groups?: number;
}

/**
 * Convolution over two or three spatial axes: `x [batch, ...spatial, in]` to `[batch, ...spatial, out]`.
 *
 * @example
 * const y = convolution(image, { weight, bias }, { before: [1, 1], after: [1, 1] });
 */
export function convolution<T extends tf.Tensor>(
  x: T,
  weights: ConvolutionWeights,
  options: ConvolutionOptions = {},
): T {
  if (!hasKernel('Convolution')) return composedConvolution(x, weights, options);
  return runFused('Convolution', { x, ...weights }, options)[0] as T;
}

/**
 * Convolution of `x [batch, time, height, width, in]` in which no time sees a later one: all padding of the time axis comes
 * before it, height and width keep their size at stride 1.
 */
export function causalConvolution(
  x: tf.Tensor5D,
  weights: ConvolutionWeights,
  strides: readonly [number, number, number] = [1, 1, 1],
): tf.Tensor5D {
  const [time, height, width] = weights.weight.shape.slice(2) as [number, number, number];
  const [above, left] = [(height - 1) >> 1, (width - 1) >> 1];
  const before = [time - 1, above, left];
  return convolution(x, weights, { strides, before, after: [0, height - 1 - above, width - 1 - left] });
}

/**
 * {@link convolution} from core operations. Two axes go as three: tfjs's wasm engine has the gradients of that. With
 * dilation there is none.
 */
export function composedConvolution<T extends tf.Tensor>(
  x: T,
  weights: ConvolutionWeights,
  options: ConvolutionOptions = {},
): T {
  const { weight, bias } = weights;
  const flat = x.rank === 4;
  const volume = (flat ? tf.expandDims(x, 1) : x) as tf.Tensor5D;
  const filter = (flat ? tf.expandDims(weight, 2) : weight) as tf.Tensor5D;
  const y = convolvedVolume(volume, filter, flat ? withDepth(options) : options);
  const shaped = flat ? tf.squeeze<tf.Tensor>(y, [1]) : y;
  return (bias === undefined ? shaped : tf.add(shaped, bias)) as T;
}

/** The options of two axes as those of three, the first of length 1. */
function withDepth({
  strides,
  dilations,
  before,
  after,
  groups = 1,
}: ConvolutionOptions): ConvolutionOptions {
  return {
    strides: [1, ...(strides ?? [1, 1])],
    dilations: [1, ...(dilations ?? [1, 1])],
    before: [0, ...(before ?? [0, 0])],
    after: [0, ...(after ?? [0, 0])],
    groups,
  };
}

type Triple = [number, number, number];

function convolvedVolume(x: tf.Tensor5D, weight: tf.Tensor5D, options: ConvolutionOptions): tf.Tensor5D {
  const { strides = [1, 1, 1], dilations = [1, 1, 1], before = [0, 0, 0], after = [0, 0, 0] } = options;
  const { groups = 1 } = options;
  const sides = before.map((count, axis): [number, number] => [count, after[axis]!]);
  const images = shares(tf.pad(x, [[0, 0], ...sides, [0, 0]]), groups);
  const filters = shares(tf.transpose(weight, [2, 3, 4, 1, 0]), groups);
  const parts = images.map((image, group) =>
    tf.conv3d(image, filters[group]!, strides as Triple, 'valid', 'NDHWC', dilations as Triple),
  );
  return parts.length === 1 ? (parts[0] as tf.Tensor5D) : tf.concat(parts as tf.Tensor5D[], 4);
}

/** x cut along its last axis; tfjs has no gradient of a split into one. */
function shares(x: tf.Tensor5D, count: number): tf.Tensor5D[] {
  return count === 1 ? [x] : tf.split<tf.Tensor5D>(x, count, 4);
}
