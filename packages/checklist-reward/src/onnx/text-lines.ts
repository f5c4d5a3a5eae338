import type { Network } from '@thinkrl/onnx';
import type { Image } from '@thinkrl/spec';
import type { CallOptions } from '../judge.ts';
import { signalOf } from './at-once.ts';
import { type Box, pictureTensor } from './picture-tensor.ts';

/** Sides of what the detector is shown: multiples of this. */
const STRIDE = 32;
const LONGEST_SIDE = 960;
/** From this probability on, a pixel belongs to text. */
const TEXT_PIXEL = 0.3;
/** Least mean probability of a line. */
const TEXT_LINE = 0.6;
const LEAST_SIDE = 3;
/** The detector marks the core of a line; so much of its area over its perimeter is added on every side. */
const GROWTH = 1.5;
/** Boxes side by side belong to one line where they overlap in height and stand closer than this share of it. */
const WORD_GAP = 0.8;
const WORD_OVERLAP = 0.6;

/** Channel means and deviations of the detector's training, in its order, blue first. */
export const DETECTOR_SCALE = {
  mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
  order: 'bgr',
} as const;

/**
 * Where a detector of the DB kind sees lines of text (Liao et al. 2020), in pixels of the picture, upright boxes only:
 * connected pixels over a threshold, grown.
 */
export async function textLines(
  detector: Network,
  image: Image,
  call: CallOptions = {},
): Promise<readonly Box[]> {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(image.width, image.height));
  const side = (pixels: number) => Math.max(STRIDE, Math.round((pixels * scale) / STRIDE) * STRIDE);
  const size = { width: side(image.width), height: side(image.height) };
  const output = detector.outputs[0]!;
  const picture = pictureTensor(image, { ...size, ...DETECTOR_SCALE });
  const maps = await detector.run(
    { [detector.inputs[0]!]: picture },
    { ...signalOf(call), outputs: [output] },
  );
  const map = { ...size, data: maps[output]!.data as Float32Array };
  return joinWords(components(map).flatMap((component) => lineBox(component, map, image)));
}

/** Words that the detector saw apart, put together into lines. */
function joinWords(boxes: readonly Box[]): readonly Box[] {
  const lines: Box[] = [];
  for (const box of boxes.toSorted((left, right) => left.x - right.x)) {
    const before = lines.findIndex((line) => continues(line, box));
    if (before < 0) lines.push(box);
    else lines[before] = around(lines[before]!, box);
  }
  return lines;
}

function continues(line: Box, word: Box): boolean {
  const lower = Math.min(line.height, word.height);
  const overlap = Math.min(line.y + line.height, word.y + word.height) - Math.max(line.y, word.y);
  return overlap > WORD_OVERLAP * lower && word.x - (line.x + line.width) < WORD_GAP * lower;
}

function around(left: Box, right: Box): Box {
  const x = Math.min(left.x, right.x);
  const y = Math.min(left.y, right.y);
  return {
    x,
    y,
    width: Math.max(left.x + left.width, right.x + right.width) - x,
    height: Math.max(left.y + left.height, right.y + right.height) - y,
  };
}

interface TextMap {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

interface Component {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  /** Mean probability of its pixels. */
  readonly score: number;
}

function lineBox({ left, right, top, bottom, score }: Component, map: TextMap, image: Image): readonly Box[] {
  const width = right - left + 1;
  const height = bottom - top + 1;
  if (score < TEXT_LINE || Math.min(width, height) < LEAST_SIDE) return [];
  const grown = (width * height * GROWTH) / (2 * (width + height));
  const across = image.width / map.width;
  const down = image.height / map.height;
  const x = Math.max(0, (left - grown) * across);
  const y = Math.max(0, (top - grown) * down);
  return [
    {
      x,
      y,
      width: Math.min(image.width, (right + 1 + grown) * across) - x,
      height: Math.min(image.height, (bottom + 1 + grown) * down) - y,
    },
  ];
}

/** Connected regions of text pixels, diagonal neighbours included. */
function components(map: TextMap): readonly Component[] {
  const seen = new Uint8Array(map.data.length);
  const found: Component[] = [];
  for (let start = 0; start < seen.length; start++)
    if (seen[start] === 0 && map.data[start]! > TEXT_PIXEL) found.push(flood(map, seen, start));
  return found;
}

function flood({ width, height, data }: TextMap, seen: Uint8Array, start: number): Component {
  const open = [start];
  seen[start] = 1;
  const box = { left: width, right: 0, top: height, bottom: 0 };
  let sum = 0;
  let count = 0;
  for (let pixel = open.pop(); pixel !== undefined; pixel = open.pop()) {
    const x = pixel % width;
    const y = (pixel - x) / width;
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y);
    sum += data[pixel]!;
    count += 1;
    for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++)
      for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
        const next = row * width + column;
        if (seen[next] === 1 || data[next]! <= TEXT_PIXEL) continue;
        seen[next] = 1;
        open.push(next);
      }
  }
  return { ...box, score: sum / count };
}
