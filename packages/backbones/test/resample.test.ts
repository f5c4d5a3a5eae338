import { ConfigError } from '@thinkrl/spec';
import { expect, it } from 'vitest';
import { imageOf, type Pixels, pixelsOf, type ResampleFilter, resample } from '../src/image/index.ts';
import { patchesOf, RELEASED_PATCHES, resizedPixels } from '../src/qwen2-5-vl/patches.ts';
import { deviation, openTensors, readConfig } from './fixture.ts';

interface Preprocess {
  readonly cases: readonly { name: string; filter: ResampleFilter; wh: readonly [number, number] }[];
  readonly vl: {
    readonly src_hw: readonly number[];
    readonly resized_hw: readonly number[];
    readonly grid_thw: readonly [frames: number, rows: number, columns: number];
  };
}

const data = openTensors('image_preprocess');
const config = readConfig<Preprocess>('image_preprocess');

function pixels(name: string, [height, width]: readonly number[]): Pixels {
  return { width: width!, height: height!, data: Uint8Array.from(data.values(name)) };
}

const source = pixels('src', data.shape('src'));

it.each(config.cases)(
  '$name is resampled to the very numbers of Pillow',
  ({ name, filter, wh: [width, height] }) => {
    const resized = resample(source, { width, height, filter });
    expect([resized.width, resized.height]).toEqual([width, height]);
    expect(deviation(resized.data, data.values(name))).toBe(0);
  },
);

it('gives the input of the autoencoder', () => {
  const name = data.names.find((found) => found.startsWith('vae_input.'))!;
  const [width, height] = name.slice('vae_input.'.length).split('x').map(Number) as [number, number];
  const { data: bytes } = resample(source, { width, height, filter: 'lanczos' });
  const planes = Float32Array.from({ length: bytes.length }, (_, i) => {
    const [channel, pixel] = [Math.floor(i / (width * height)), i % (width * height)];
    return (bytes[pixel * 3 + channel]! / 255) * 2 - 1;
  });
  expect(deviation(planes, data.values(name))).toBeLessThanOrEqual(1e-6);
});

it('cuts a picture into the patches of the reference', () => {
  const picture = pixels('vl.src', config.vl.src_hw);
  const resized = resizedPixels(picture, RELEASED_PATCHES);
  expect([resized.height, resized.width]).toEqual(config.vl.resized_hw);
  expect(deviation(resized.data, data.values('vl.resized'))).toBe(0);
  const patches = patchesOf([imageOf(picture)]);
  const [frames, rows, columns] = config.vl.grid_thw;
  expect(patches.grids).toEqual([{ frames, rows, columns }]);
  expect(patches.numbers).toBe(data.shape('vl.pixel_values')[1]);
  expect(deviation(patches.data, data.values('vl.pixel_values'))).toBeLessThanOrEqual(1e-6);
});

it('lays several pictures side by side as each alone', () => {
  const images = [imageOf(source), imageOf(pixels('vl.src', config.vl.src_hw))];
  const together = patchesOf(images);
  const apart = images.map((image) => patchesOf([image]));
  expect(together.grids).toEqual(apart.flatMap(({ grids }) => grids));
  expect([...together.data]).toEqual(apart.flatMap((patches) => [...patches.data]));
});

it('keeps a picture that has its size, and bytes through values in [0, 1]', () => {
  expect(resample(source, { ...source, filter: 'lanczos' })).toBe(source);
  expect(pixelsOf(imageOf(source))).toEqual(source);
  expect(() => resample(source, { width: 0, height: 2, filter: 'bicubic' })).toThrow(ConfigError);
});
