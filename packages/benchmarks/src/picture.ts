import { createHash } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import type { EncodedPicture } from '@thinkrl/served';
import type { Image } from '@thinkrl/spec';
import sharp from 'sharp';
import { BenchmarkFileError } from './error.ts';

/**
 * How a picture is sent to a judge: the bytes of its file, or decoded, shrunk to a longest side and written as JPEG
 * without its alpha channel.
 */
export type PictureForm =
  | { readonly kind: 'file' }
  | { readonly kind: 'jpeg'; readonly quality: number; readonly longestSide?: number };

/** The endings under which an edited picture is looked for, in order. */
export type Endings = readonly ('jpg' | 'png' | 'jpeg')[];

const signatures: readonly (readonly [mediaType: string, at: number, bytes: string])[] = [
  ['image/png', 0, '89504e470d0a1a0a'],
  ['image/jpeg', 0, 'ffd8ff'],
  ['image/gif', 0, '47494638'],
  ['image/webp', 8, '57454250'],
];

/** The media type that the first bytes of a file speak for, whatever its name, or null. */
export function sniff(bytes: Uint8Array): string | null {
  const head = Buffer.from(bytes.subarray(0, 16)).toString('hex');
  return signatures.find(([, at, hex]) => head.startsWith(hex, 2 * at))?.[0] ?? null;
}

/** Why the bytes are no whole picture, or null when they are. Decodes all of it. */
export async function pictureProblem(bytes: Uint8Array): Promise<string | null> {
  if (bytes.length === 0) return 'is empty';
  if (sniff(bytes) === null) return 'is no PNG, JPEG, GIF or WebP picture';
  try {
    await sharp(bytes, { failOn: 'truncated' }).raw().toBuffer();
    return null;
  } catch (error) {
    return `is damaged: ${(error as Error).message.split('\n')[0]}`;
  }
}

/** Why a file is no whole picture, or null when it is. */
export async function pictureFileProblem(path: string): Promise<string | null> {
  try {
    return await pictureProblem(await readFile(path));
  } catch (error) {
    return `cannot be read (${(error as NodeJS.ErrnoException).code})`;
  }
}

/** The picture file of a stem with the first of the endings that there is, or null. */
export async function findPicture(stem: string, endings: Endings): Promise<string | null> {
  for (const ending of endings) {
    const path = `${stem}.${ending}`;
    if (await exists(path)) return path;
  }
  return null;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A picture file as a judge gets it. @throws BenchmarkFileError when it cannot be read or decoded. */
export async function encodePicture(path: string, form: PictureForm): Promise<EncodedPicture> {
  try {
    const file = await readFile(path);
    if (form.kind === 'file') return { mediaType: sniff(file) ?? 'image/jpeg', bytes: file };
    return { mediaType: 'image/jpeg', bytes: await asJpeg(file, form) };
  } catch (cause) {
    throw new BenchmarkFileError({ path, problem: (cause as Error).message }, { cause });
  }
}

function asJpeg(file: Uint8Array, { quality, longestSide }: PictureForm & { kind: 'jpeg' }): Promise<Buffer> {
  const picture = sharp(file).removeAlpha().toColourspace('srgb');
  const side = longestSide;
  const shrunk =
    side === undefined
      ? picture
      : picture.resize({
          width: side,
          height: side,
          fit: 'inside',
          withoutEnlargement: true,
          kernel: 'cubic',
        });
  return shrunk.jpeg({ quality }).toBuffer();
}

/** The picture in the bytes of a file, its alpha channel dropped. */
export async function decodeImage(bytes: Uint8Array): Promise<Image> {
  const picture = sharp(bytes).removeAlpha().toColourspace('srgb');
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: Float32Array.from(data, (value) => value / 255) };
}

/** A hash of the bytes of a file. */
export async function fileHash(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
