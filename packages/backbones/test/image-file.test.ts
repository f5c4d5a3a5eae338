import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image } from '@thinkrl/spec';
import { afterAll, expect, it } from 'vitest';
import { readImage, writeImage } from '../src/image/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'backbones-image-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('a picture file gives back the bytes that were written', async () => {
  const bytes = Array.from({ length: 5 * 3 * 3 }, (_, i) => (i * 37) % 256);
  const image: Image = { width: 5, height: 3, data: Float32Array.from(bytes, (byte) => byte / 255) };
  const path = join(folder, 'picture.png');
  await writeImage(path, image);
  const read = await readImage(path);
  expect([read.width, read.height]).toEqual([5, 3]);
  expect(Array.from(read.data, (value) => Math.round(value * 255))).toEqual(bytes);
});
