import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodePicture, sniff } from '../src/picture.ts';
import { write } from './kris-folder.ts';

async function fileOf(bytes: Uint8Array): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'thinkrl-picture-')), 'picture.png');
  await write(path, bytes);
  return path;
}

/** A half transparent picture of one colour. */
const glass = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 4, background: { r: 200, g: 100, b: 50, alpha: 0.5 } } });

describe('encodePicture', () => {
  it('sends files as they are, by what they hold and not by their name', async () => {
    const jpeg = await glass(4, 4).removeAlpha().jpeg().toBuffer();
    const sent = await encodePicture(await fileOf(jpeg), { kind: 'file' });
    expect(sent).toEqual({ mediaType: 'image/jpeg', bytes: jpeg });
  });

  it.each([
    [1600, 400, 768, 192],
    [300, 1000, 230, 768],
    [40, 30, 40, 30],
  ])('shrinks %d x %d to %d x %d, and drops transparency without mixing', async (width, height, w, h) => {
    const path = await fileOf(await glass(width, height).png().toBuffer());
    const { mediaType, bytes } = await encodePicture(path, { kind: 'jpeg', quality: 75, longestSide: 768 });
    const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    expect([mediaType, info.width, info.height, info.channels]).toEqual(['image/jpeg', w, h, 3]);
    const deviations = [200, 100, 50].map((value, channel) => Math.abs(data[channel]! - value));
    expect(Math.max(...deviations)).toBeLessThanOrEqual(3);
  });

  it('writes grey pictures and palettes as RGB', async () => {
    const grey = await fileOf(await glass(9, 9).removeAlpha().greyscale().png().toBuffer());
    const palette = await fileOf(await glass(9, 9).removeAlpha().png({ palette: true }).toBuffer());
    for (const path of [grey, palette]) {
      const { bytes } = await encodePicture(path, { kind: 'jpeg', quality: 85 });
      expect((await sharp(bytes).metadata()).channels).toBe(3);
      expect(sniff(bytes)).toBe('image/jpeg');
      expect(sniff(await readFile(path))).toBe('image/png');
    }
  });
});
