import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Image, RandomStream } from '@thinkrl/spec';
import opentype from 'opentype.js';
import sharp, { type Sharp } from 'sharp';

const require = createRequire(import.meta.url);

/** Fonts of npm packages, so that no font of the machine matters. */
const FONTS = [
  'roboto/roboto-latin-400',
  'roboto/roboto-latin-700',
  'merriweather/merriweather-latin-400',
  'pacifico/pacifico-latin-400',
  'oswald/oswald-latin-500',
  'inconsolata/inconsolata-latin-400',
  'bitter/bitter-latin-600',
  'comic-neue/comic-neue-latin-700',
  'playfair-display/playfair-display-latin-700',
] as const;

const fonts = FONTS.map((name) => {
  const [family, file] = name.split('/') as [string, string];
  const folder = dirname(require.resolve(`@fontsource/${family}/package.json`));
  const bytes = readFileSync(join(folder, 'files', `${file}-normal.woff`));
  return opentype.parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
});

/** How a text is drawn. */
export interface Lettering {
  readonly font: number;
  /** Height of a line, pixels. */
  readonly size: number;
  readonly ink: string;
  readonly paper: readonly [from: string, to: string];
  /** Standard deviation of noise, and of a blur in pixels. */
  readonly noise: number;
  readonly blur: number;
  readonly noiseSeed: number;
}

/** A lettering by chance: light on dark or dark on light, one of nine fonts, plain or graded paper, some noise. */
export function drawLettering(stream: RandomStream): Lettering {
  const dark = () => shade(stream, 0, 90);
  const light = () => shade(stream, 165, 255);
  const bright = stream.integer(2) === 0;
  const paper = bright ? light : dark;
  return {
    font: stream.integer(fonts.length),
    size: 20 + stream.integer(45),
    ink: bright ? dark() : light(),
    paper: [paper(), paper()],
    noise: stream.integer(2) === 0 ? 0 : 12 * stream.uniform(),
    blur: stream.integer(2) === 0 ? 0 : 0.8 * stream.uniform(),
    noiseSeed: stream.integer(2 ** 31),
  };
}

function shade(stream: RandomStream, low: number, high: number): string {
  const channel = () => low + stream.integer(high - low);
  return `rgb(${channel()},${channel()},${channel()})`;
}

/** A picture of one line of text with a margin; the text stands `at` in a larger picture where a size is given. */
export async function renderText(
  text: string,
  lettering: Lettering,
  place?: { readonly width: number; readonly height: number; readonly x: number; readonly y: number },
): Promise<Image> {
  const { size, ink, paper, blur } = lettering;
  const font = fonts[lettering.font]!;
  const margin = Math.round(size * 0.35);
  const letters = [...text].map((letter) => font.charToGlyph(letter));
  const pixels = size / font.unitsPerEm;
  const advance = Math.ceil(letters.reduce((sum, glyph) => sum + (glyph.advanceWidth ?? 0) * pixels, 0));
  const { width, height, x, y } = place ?? {
    width: advance + 2 * margin,
    height: Math.round(size * 1.3) + margin,
    x: margin,
    y: Math.round(margin / 2),
  };
  let pen = x;
  const paths = letters.map((glyph) => {
    const data = glyph
      .getPath(pen, y + size, size)
      .commands.map(pathData)
      .join('');
    pen += (glyph.advanceWidth ?? 0) * pixels;
    return `<path d="${data}" fill="${ink}"/>`;
  });
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">`,
    `<linearGradient id="p"><stop stop-color="${paper[0]}"/><stop offset="1" stop-color="${paper[1]}"/></linearGradient>`,
    `<rect width="100%" height="100%" fill="url(#p)"/>${paths.join('')}</svg>`,
  ].join('');
  const drawn = sharp(Buffer.from(svg)).removeAlpha();
  return noisy(await toImage(blur >= 0.3 ? drawn.blur(blur) : drawn), lettering);
}

function pathData(command: opentype.PathCommand): string {
  if (command.type === 'Z') return 'Z';
  const end = `${command.x},${command.y}`;
  if (command.type === 'C') return `C${command.x1},${command.y1} ${command.x2},${command.y2} ${end}`;
  return command.type === 'Q' ? `Q${command.x1},${command.y1} ${end}` : `${command.type}${end}`;
}

function noisy(image: Image, { noise, noiseSeed }: Lettering): Image {
  if (noise === 0) return image;
  let state = noiseSeed | 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
  const data = image.data.map((value) =>
    Math.min(1, Math.max(0, value + ((noise / 255) * (uniform() + uniform() + uniform() - 1.5)) / 0.5)),
  );
  return { ...image, data };
}

/** A picture of sharp as ours. */
export async function toImage(picture: Sharp): Promise<Image> {
  const { data, info } = await picture
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: Float32Array.from(data, (value) => value / 255) };
}

const WORDS = [
  'OPEN',
  'CLOSED',
  'Coffee',
  'Bakery',
  'EXIT',
  'Sale',
  '50% off',
  'Hello World',
  'Platform 9',
  'Room 214',
  'No parking',
  'Welcome',
  'Library',
  'Hotel',
  'PUSH',
  'PULL',
  'Taxi',
  'Menu',
  'July 14',
  '24 hours',
  'Museum',
  'Danger',
  'Slow',
  'Fresh fish',
  'Tickets',
  'Gate B7',
  'Main Street',
  '$3.99',
  'Speed 45',
  'Garden',
] as const;

/** A text as signs have it. */
export function drawText(stream: RandomStream): string {
  return stream.pick(WORDS);
}

/** The text with one letter replaced, left out or added: the nearest wrong texts there are. */
export function misspell(text: string, stream: RandomStream): string {
  const letters = [...text];
  const places = letters.flatMap((letter, index) => (letter === ' ' ? [] : [index]));
  const at = stream.pick(places);
  const kind = stream.integer(3);
  const pool = /\d/.test(letters[at]!)
    ? '0123456789'
    : /[A-Z]/.test(letters[at]!)
      ? 'ABDEFGHKLMNPRSTUVY'
      : 'abdefghkmnoprstuwy';
  const other = stream.pick([...pool].filter((letter) => letter !== letters[at]));
  if (kind === 0) letters[at] = other;
  else if (kind === 1) letters.splice(at, 1);
  else letters.splice(at, 0, other);
  const wrong = letters.join('');
  return wrong.trim() === '' || wrong === text ? misspell(text, stream) : wrong;
}
