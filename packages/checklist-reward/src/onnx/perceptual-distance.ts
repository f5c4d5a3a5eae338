import type { Feeds, Network } from '@thinkrl/onnx';
import { ConfigError, type EditTask, type Image } from '@thinkrl/spec';
import type { RewardDimension, ScoreRequest } from '../dimension.ts';
import type { CallOptions } from '../judge.ts';
import { atOnce, signalOf } from './at-once.ts';
import { type Box, type PictureTensorOptions, pictureTensor } from './picture-tensor.ts';

/** Settings of {@link createPerceptualDistance}. */
export interface PerceptualOptions {
  readonly network: Network;
  /** Outputs that hold features, `[1, channels, height, width]` each. */
  readonly features: readonly string[];
  /** Side to which pictures are resized, in pixels; default 192. */
  readonly side?: number;
  /** How the network wants its channels; default as they are. */
  readonly scale?: Pick<PictureTensorOptions, 'mean' | 'deviation' | 'order'>;
}

/** What of two pictures is compared. */
export interface ComparisonOptions extends CallOptions {
  /** A box that is left out, in shares of width and height: where the edit was asked for. */
  readonly except?: Box;
}

/** A distance of pictures by the features of a network. */
export interface PerceptualDistance {
  /** Pictures compared at once. */
  readonly workers: number;
  /** 0 for equal pictures, at most 2; see {@link createPerceptualDistance}. */
  between(left: Image, right: Image, options?: ComparisonOptions): Promise<number>;
}

/**
 * Perceptual distance in the manner of LPIPS (Zhang et al. 2018), without its fitted weights: 1 minus the cosine of two
 * pictures' features at every place, mean over places, then over the feature maps. Not calibrated to human judgement.
 *
 * @throws ConfigError for features that the network does not give, or an impossible side.
 */
export function createPerceptualDistance(options: PerceptualOptions): PerceptualDistance {
  const { network, features, side = 192, scale = {} } = options;
  if (!Number.isInteger(side) || side < 32)
    throw new ConfigError({ field: 'side', value: side, fix: 'use a whole number of at least 32' });
  if (features.length === 0 || features.some((name) => !network.outputs.includes(name)))
    throw new ConfigError({
      field: 'features',
      value: features,
      fix: `use some of ${network.outputs.join(', ')}`,
    });
  const seen = (image: Image, call: CallOptions) =>
    network.run(
      { [network.inputs[0]!]: pictureTensor(image, { ...scale, width: side, height: side }) },
      { ...signalOf(call), outputs: features },
    );
  return {
    workers: network.workers,
    async between(left, right, comparison = {}) {
      const [first, second] = await Promise.all([seen(left, comparison), seen(right, comparison)]);
      const distances = features.map((name) => mapDistance(first, second, { name, ...comparison }));
      return distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
    },
  };
}

function mapDistance(
  left: Feeds,
  right: Feeds,
  { name, except }: { readonly name: string } & Pick<ComparisonOptions, 'except'>,
): number {
  const { data, dims } = left[name]!;
  const [, channels, height, width] = dims as [number, number, number, number];
  const maps = { left: data as Float32Array, right: right[name]!.data as Float32Array };
  let sum = 0;
  let places = 0;
  for (let place = 0; place < width * height; place++) {
    const x = ((place % width) + 0.5) / width;
    const y = (Math.floor(place / width) + 0.5) / height;
    if (except !== undefined && holds(except, x, y)) continue;
    sum += 1 - cosineAt(maps, place, { channels, places: width * height });
    places += 1;
  }
  return places === 0 ? 0 : sum / places;
}

function holds({ x, y, width, height }: Box, left: number, top: number): boolean {
  return left >= x && left < x + width && top >= y && top < y + height;
}

interface FeatureMaps {
  readonly left: Float32Array;
  readonly right: Float32Array;
}

function cosineAt(
  { left, right }: FeatureMaps,
  place: number,
  { channels, places }: { readonly channels: number; readonly places: number },
): number {
  let product = 0;
  let leftSquares = 0;
  let rightSquares = 0;
  for (let channel = 0; channel < channels; channel++) {
    const a = left[channel * places + place]!;
    const b = right[channel * places + place]!;
    product += a * b;
    leftSquares += a * a;
    rightSquares += b * b;
  }
  const norm = Math.sqrt(leftSquares * rightSquares);
  return norm === 0 ? Number(leftSquares === rightSquares) : product / norm;
}

/** Settings of {@link perceptualDimension}. */
export interface PerceptualDimensionOptions<Task extends EditTask = EditTask> {
  readonly distance: PerceptualDistance;
  /** Distance at which nothing is left of the consistency; default 0.6, that of two unrelated photographs. */
  readonly scale?: number;
  /** The box in which a change was asked for, in shares of width and height; it is left out. */
  readonly except?: (task: Task) => Box | undefined;
  /** Default `consistency`. */
  readonly name?: string;
}

/**
 * Visual consistency: `1 - distance / scale` of the edited picture from the task's first reference, at least 0.
 *
 * @throws ConfigError for a scale that is not above 0.
 * @example
 * const consistency = perceptualDimension({ distance: ocr.distance });
 */
export function perceptualDimension<Task extends EditTask>(
  options: PerceptualDimensionOptions<Task>,
): RewardDimension<Task> {
  const { distance, scale = 0.6, except = () => undefined, name = 'consistency' } = options;
  if (!(scale > 0)) throw new ConfigError({ field: 'scale', value: scale, fix: 'use a number above 0' });
  return {
    name,
    score: atOnce(distance.workers, async ({ task, image }: ScoreRequest<Task>, call) => {
      const [reference] = task.references;
      if (reference === undefined) return { unjudged: 'the task has no reference picture' };
      const box = except(task);
      const options = { ...signalOf(call), ...(box && { except: box }) };
      return { value: Math.max(0, 1 - (await distance.between(reference, image, options)) / scale) };
    }),
  };
}
