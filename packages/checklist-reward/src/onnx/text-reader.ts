import type { Network } from '@thinkrl/onnx';
import type { Image } from '@thinkrl/spec';
import type { CallOptions } from '../judge.ts';
import { signalOf } from './at-once.ts';
import { type CtcFrames, ctcBestPath, ctcLogLikelihood } from './ctc.ts';
import { type Box, pictureTensor } from './picture-tensor.ts';
import { textLines } from './text-lines.ts';

/** What stands in one line of text, as a distribution over texts. */
export interface TextLine {
  readonly box: Box;
  /** The text of the likeliest alignment. */
  readonly text: string;
  /**
   * Log-likelihood of a text, nats; spaces are not judged: a text counts with all of its spaces or with none, since
   * recognisers drop them. Undefined for a letter that the recogniser does not know.
   */
  logLikelihood(text: string): number | undefined;
}

/** Reads the text in pictures. */
export interface TextReader {
  /** Names the networks: their fingerprints. */
  readonly version: string;
  /** Pictures read at once. */
  readonly workers: number;
  /** Every line that is seen; where none is, the whole picture is read as one. */
  read(image: Image, call?: CallOptions): Promise<readonly TextLine[]>;
}

/** Settings of {@link createTextReader}. */
export interface TextReaderOptions {
  /** Finds lines; without one, every picture is read as one line. */
  readonly detector?: Network;
  /** Reads a line, `[1, 3, 48, width]` to probabilities `[1, frames, classes]`, by CTC with blank 0. */
  readonly recogniser: Network;
  /** The letters of the classes from 1 on. */
  readonly letters: readonly string[];
}

const LINE_HEIGHT = 48;
const LONGEST_LINE = 2048;
const LINE_SCALE = { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5], order: 'bgr' } as const;

/**
 * A reader of upright, horizontal text by networks of the PP-OCR family.
 *
 * @example
 * const { detector, recogniser, letters } = await loadOcr();
 * const reader = createTextReader({ detector, recogniser, letters });
 * const [line] = await reader.read(image);
 * line.logLikelihood('OPEN');
 */
export function createTextReader({ detector, recogniser, letters }: TextReaderOptions): TextReader {
  const alphabet = { letters, classes: new Map(letters.map((letter, index) => [letter, index + 1])) };
  const lineOf = async (image: Image, box: Box, call: CallOptions): Promise<TextLine> =>
    readLine(box, await framesOf(recogniser, { image, box }, call), alphabet);
  return {
    version: [detector, recogniser].flatMap((network) => network?.fingerprint ?? []).join('+'),
    workers: recogniser.workers,
    async read(image, call = {}) {
      const found = detector === undefined ? [] : await textLines(detector, image, call);
      const whole = { x: 0, y: 0, width: image.width, height: image.height };
      return Promise.all((found.length === 0 ? [whole] : found).map((box) => lineOf(image, box, call)));
    },
  };
}

async function framesOf(
  recogniser: Network,
  { image, box }: { readonly image: Image; readonly box: Box },
  call: CallOptions,
): Promise<CtcFrames> {
  const wide = Math.round((LINE_HEIGHT * box.width) / box.height);
  const width = Math.min(LONGEST_LINE, Math.max(LINE_HEIGHT, wide));
  const picture = pictureTensor(image, { width, height: LINE_HEIGHT, box, ...LINE_SCALE });
  const outputs = await recogniser.run({ [recogniser.inputs[0]!]: picture }, signalOf(call));
  const { data, dims } = outputs[recogniser.outputs[0]!]!;
  return { probabilities: data as Float32Array, frames: dims[1]!, classes: dims[2]! };
}

interface Alphabet {
  readonly letters: readonly string[];
  readonly classes: ReadonlyMap<string, number>;
}

function readLine(box: Box, frames: CtcFrames, { letters, classes }: Alphabet): TextLine {
  return {
    box,
    text: ctcBestPath(frames)
      .map((label) => letters[label - 1] ?? '')
      .join(''),
    logLikelihood(text) {
      const spellings = new Set([text, text.replaceAll(' ', '')]);
      const known = [...spellings].map((spelling) => [...spelling].map((letter) => classes.get(letter)));
      if (known.some((labels) => labels.includes(undefined))) return undefined;
      const logs = known.map((labels) => ctcLogLikelihood(frames, labels as number[]));
      const most = Math.max(...logs);
      if (most === Number.NEGATIVE_INFINITY) return most;
      return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0));
    },
  };
}
