import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { type Argument, discard, handleOf, one, operation } from '../storage.ts';

const permute = operation('permute');

interface Conv2dAttributes {
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dilations?: [number, number] | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

interface Conv3dAttributes {
  readonly strides: [number, number, number] | number;
  readonly pad: 'valid' | 'same';
  readonly dilations?: [number, number, number] | number;
}

interface Pool2dAttributes {
  readonly filterSize: [number, number] | number;
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

interface Pool3dAttributes {
  readonly filterSize: [number, number, number] | number;
  readonly strides: [number, number, number] | number;
  readonly pad: 'valid' | 'same' | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

interface Axis {
  readonly input: number;
  readonly output: number;
  readonly stride: number;
  readonly dilation: number;
  readonly reach: number;
  readonly before: number;
}

/** Padding after each axis is whatever makes the output size come out; it may be negative. */
function spatial(axes: readonly Axis[], groups: number): Argument[] {
  const after = axes.map((a) => (a.output - 1) * a.stride + a.reach - a.input - a.before);
  return [axes.map((a) => a.stride), axes.map((a) => a.dilation), axes.map((a) => a.before), after, groups];
}

function axes2d(info: backend_util.Conv2DInfo): Axis[] {
  const { padInfo } = info;
  return [
    {
      input: info.inHeight,
      output: info.outHeight,
      stride: info.strideHeight,
      dilation: info.dilationHeight,
      reach: info.effectiveFilterHeight,
      before: padInfo.top,
    },
    {
      input: info.inWidth,
      output: info.outWidth,
      stride: info.strideWidth,
      dilation: info.dilationWidth,
      reach: info.effectiveFilterWidth,
      before: padInfo.left,
    },
  ];
}

function axes3d(info: backend_util.Conv3DInfo): Axis[] {
  const depth = {
    input: info.inDepth,
    output: info.outDepth,
    stride: info.strideDepth,
    dilation: info.dilationDepth,
    reach: info.effectiveFilterDepth,
    before: info.padInfo.front,
  };
  return [depth, ...axes2d(info as unknown as backend_util.Conv2DInfo)];
}

/** Strides, dilations, padding and groups of a 2-D convolution, as the native operations take them. */
export function conv2dGeometry(
  input: readonly number[],
  filter: readonly number[],
  attributes: Conv2dAttributes,
  depthwise = false,
): Argument[] {
  const format = attributes.dataFormat === 'NCHW' ? 'channelsFirst' : 'channelsLast';
  const info = backend_util.computeConv2DInfo(
    input as [number, number, number, number],
    filter as [number, number, number, number],
    attributes.strides,
    attributes.dilations ?? 1,
    attributes.pad,
    attributes.dimRoundingMode,
    depthwise,
    format,
  );
  return spatial(axes2d(info), depthwise ? info.inChannels : 1);
}

/** The same in 3-D. */
export function conv3dGeometry(
  input: readonly number[],
  filter: readonly number[],
  attributes: Conv3dAttributes,
): Argument[] {
  const info = backend_util.computeConv3DInfo(
    input as [number, number, number, number, number],
    filter as [number, number, number, number, number],
    attributes.strides,
    attributes.dilations ?? 1,
    attributes.pad,
  );
  return spatial(axes3d(info), 1);
}

function pool2dInfo(input: readonly number[], attributes: Pool2dAttributes): backend_util.Conv2DInfo {
  const { filterSize, strides, pad, dimRoundingMode } = attributes;
  const shape = input as [number, number, number, number];
  return backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
}

/** Whether tfjs takes pooling to change nothing: windows of one pixel and an output of the input's shape. */
export function isTrivialPool(input: readonly number[], attributes: Pool2dAttributes): boolean {
  const info = pool2dInfo(input, attributes);
  return info.filterHeight === 1 && info.filterWidth === 1 && util.arraysEqual(info.inShape, info.outShape);
}

/** Window size and geometry of 2-D pooling. */
export function pool2dGeometry(input: readonly number[], attributes: Pool2dAttributes): Argument[] {
  const info = pool2dInfo(input, attributes);
  return [[info.filterHeight, info.filterWidth], ...spatial(axes2d(info), 1)];
}

/** Window size and geometry of 3-D pooling. */
export function pool3dGeometry(input: readonly number[], attributes: Pool3dAttributes): Argument[] {
  const { filterSize, strides, pad, dimRoundingMode } = attributes;
  const shape = input as [number, number, number, number, number];
  const info = backend_util.computePool3DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  return [[info.filterDepth, info.filterHeight, info.filterWidth], ...spatial(axes3d(info), 1)];
}

/** An NCHW tensor as NHWC (a view the caller discards); an NHWC tensor itself. */
export function toChannelsLast(format: string | undefined, x: TensorInfo): TensorInfo {
  return format === 'NCHW' ? one(permute, handleOf(x), [0, 2, 3, 1]) : x;
}

/** The NHWC shape of a tensor of the given format. */
export function channelsLastShape(format: string | undefined, shape: readonly number[]): readonly number[] {
  return format === 'NCHW' ? [shape[0]!, shape[2]!, shape[3]!, shape[1]!] : shape;
}

/** Runs an NHWC operation on a tensor of either format and gives the result in that format. */
export function inFormat(
  format: string | undefined,
  x: TensorInfo,
  run: (image: TensorInfo) => TensorInfo,
): TensorInfo {
  if (format !== 'NCHW') return run(x);
  const image = toChannelsLast(format, x);
  const result = run(image);
  const turned = one(permute, handleOf(result), [0, 3, 1, 2]);
  discard(image, result);
  return turned;
}
