import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image } from '@thinkrl/spec';
import sharp from 'sharp';
import { expect, it, onTestFinished } from 'vitest';
import { imageOf, readImage, writeImage } from '../src/image/index.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'image-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

function bytes(width: number, height: number, channels: number): Uint8Array {
  return Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 37) % 256);
}

it('writes a picture and reads the same one', async () => {
  const path = join(folder(), 'a.png');
  const image: Image = imageOf({ width: 5, height: 3, data: bytes(5, 3, 3) });
  await writeImage(path, image);
  expect(await readImage(path)).toEqual(image);
});

it('drops transparency and makes three channels of one', async () => {
  const path = join(folder(), 'b.png');
  const data = bytes(2, 2, 4);
  await sharp(data, { raw: { width: 2, height: 2, channels: 4 } }).toFile(path);
  const opaque = data.filter((_, i) => i % 4 !== 3);
  expect(await readImage(path)).toEqual(imageOf({ width: 2, height: 2, data: opaque }));
  const grey = bytes(2, 2, 1);
  await sharp(grey, { raw: { width: 2, height: 2, channels: 1 } })
    .toColourspace('b-w')
    .toFile(path);
  const tripled = Uint8Array.from({ length: 12 }, (_, i) => grey[Math.floor(i / 3)]!);
  expect(await readImage(path)).toEqual(imageOf({ width: 2, height: 2, data: tripled }));
});

it('turns a photograph the way its EXIF data say', async () => {
  const path = join(folder(), 'c.jpg');
  const flat = sharp(new Uint8Array(4 * 2 * 3), { raw: { width: 4, height: 2, channels: 3 } });
  await flat.withMetadata({ orientation: 6 }).jpeg().toFile(path);
  const { width, height } = await readImage(path);
  expect([width, height]).toEqual([2, 4]);
});
