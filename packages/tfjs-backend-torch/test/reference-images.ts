/** Plain float64 definitions of the fused kernels over images and volumes, channels last. */

type Row = readonly number[];

/** A convolution over three axes; two axes are three with a first one of length 1. */
export interface ConvolutionSizes {
  readonly batch: number;
  readonly size: Row;
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: Row;
  readonly strides: Row;
  readonly dilations: Row;
  readonly before: Row;
  readonly after: Row;
  readonly groups: number;
}

/** All index triples below `size`. */
function places([depth, height, width]: Row): number[][] {
  const range = (n: number) => Array.from({ length: n }, (_, i) => i);
  return range(depth!).flatMap((z) => range(height!).flatMap((y) => range(width!).map((x) => [z, y, x])));
}

function flat(place: Row, size: Row): number {
  return place.reduce((index, at, axis) => index * size[axis]! + at, 0);
}

/** Lengths of the result's axes. */
function convolutionSize(s: ConvolutionSizes): number[] {
  return s.size.map((length, axis) => {
    const reach = (s.kernel[axis]! - 1) * s.dilations[axis]! + 1;
    return Math.floor((length + s.before[axis]! + s.after[axis]! - reach) / s.strides[axis]!) + 1;
  });
}

/** x `[batch, ...size, inputs]` under weight `[outputs, inputs / groups, ...kernel]`. */
export function convolution(x: Row, weight: Row, bias: Row | undefined, s: ConvolutionSizes): number[] {
  const share = s.inputs / s.groups;
  const area = s.size.reduce((a, b) => a * b, 1);
  const taps = places(s.kernel);
  const value = (b: number, place: Row, channel: number) => {
    if (place.some((at, axis) => at < 0 || at >= s.size[axis]!)) return 0;
    return x[(b * area + flat(place, s.size)) * s.inputs + channel]!;
  };
  const at = (b: number, out: Row, o: number) => {
    const first = Math.floor(o / (s.outputs / s.groups)) * share;
    let sum = bias?.[o] ?? 0;
    for (const tap of taps) {
      const place = out.map(
        (n, axis) => n * s.strides[axis]! + tap[axis]! * s.dilations[axis]! - s.before[axis]!,
      );
      for (let i = 0; i < share; i++)
        sum += value(b, place, first + i) * weight[(o * share + i) * taps.length + flat(tap, s.kernel)]!;
    }
    return sum;
  };
  return Array.from({ length: s.batch }, (_, b) =>
    places(convolutionSize(s)).flatMap((out) => Array.from({ length: s.outputs }, (_, o) => at(b, out, o))),
  ).flat();
}

/** Images to resize. */
export interface ImageSizes {
  readonly batch: number;
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly channels: number;
}

/** x `[batch, ...from, channels]` resized; places are pixel centres, outside is the border. */
export function upsample(x: Row, sizes: ImageSizes, mode: 'nearest' | 'bilinear'): number[] {
  const { batch, from, to, channels } = sizes;
  const sources = (axis: 0 | 1, i: number): [place: number, share: number][] => {
    if (mode === 'nearest') return [[Math.floor((i * from[axis]) / to[axis]), 1]];
    const place = Math.max(0, ((i + 0.5) * from[axis]) / to[axis] - 0.5);
    const low = Math.floor(place);
    return [
      [low, 1 - (place - low)],
      [Math.min(low + 1, from[axis] - 1), place - low],
    ];
  };
  const pixel = (b: number, row: number, column: number, c: number) =>
    sources(0, row).reduce(
      (sum, [y, tall]) =>
        sum +
        sources(1, column).reduce(
          (part, [at, wide]) => part + tall * wide * x[((b * from[0] + y) * from[1] + at) * channels + c]!,
          0,
        ),
      0,
    );
  return Array.from({ length: batch }, (_, b) =>
    places([1, ...to]).flatMap(([, row, column]) =>
      Array.from({ length: channels }, (_, c) => pixel(b, row!, column!, c)),
    ),
  ).flat();
}
