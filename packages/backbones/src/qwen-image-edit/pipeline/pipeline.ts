import type { EditCondition, Image } from '@thinkrl/spec';
import { imageOf, pixelsOf, resample } from '../../image/index.ts';
import { QwenImageInputError } from '../error.ts';
import { type PixelSize, sameSize, sizeOfArea, tokenSize } from './sizes.ts';

/** Which of the released pipelines prepares pictures and texts: Edit, or Edit-Plus of 2509 and 2511. */
export type PipelineKind = 'edit' | 'edit-plus';

/** Sizes that a pipeline works at. */
export interface PipelineSizes {
  /**
   * Pixels of the result and of the references, about.
   * @defaultValue 1024 x 1024
   */
  readonly area?: number;
  /**
   * Pixels of a reference as the text encoder of Edit-Plus sees it, about.
   * @defaultValue 384 x 384
   */
  readonly conditionArea?: number;
  /** One size for every result, floored to multiples of 16; that of a reference unless given. */
  readonly size?: PixelSize;
}

/** A condition, made ready: host data. */
export interface PreparedCondition {
  /** Size of the result. */
  readonly size: PixelSize;
  /** The whole prompt, with one picture token per picture. */
  readonly prompt: string;
  /** What the text encoder sees. */
  readonly seen: readonly Image[];
  /** What the autoencoder encodes. */
  readonly references: readonly Image[];
}

/** Prompt tokens before the user's words, which every prompt has: their states are left out. */
export const DROPPED_TOKENS = 64;

/** The system's turn that the released models were trained with; any other one conditions on something they do not know. */
const SYSTEM =
  "Describe the key features of the input image (color, shape, size, texture, objects, background), then explain how the user's text instruction should alter or modify the image. Generate a new image that meets the user's requirements while maintaining consistency with the original input where appropriate.";

const PICTURE = '<|vision_start|><|image_pad|><|vision_end|>';

const SPECIAL = /<\|(im_start|im_end|endoftext|vision_start|vision_end|vision_pad|image_pad|video_pad)\|>/;

/** The prompt of a text and `pictures` pictures; Edit-Plus numbers them. */
export function editPrompt(kind: PipelineKind, text: string, pictures = 1): string {
  const numbered = Array.from({ length: pictures }, (_, index) => `Picture ${index + 1}: ${PICTURE}`);
  const shown = kind === 'edit' ? PICTURE : numbered.join('');
  return `<|im_start|>system\n${SYSTEM}<|im_end|>\n<|im_start|>user\n${shown}${text}<|im_end|>\n<|im_start|>assistant\n`;
}

/** Size of the result: of the shape of the first reference in Edit, of the last one in Edit-Plus. */
export function outputSize(
  kind: PipelineKind,
  references: readonly PixelSize[],
  { area = 1024 ** 2, size }: PipelineSizes = {},
): PixelSize {
  if (size !== undefined) return tokenSize(size);
  return sizeOfArea(kind === 'edit' ? references[0]! : references.at(-1)!, area);
}

/**
 * Prepares a condition: prompt, and pictures resampled (Lanczos) for text encoder and autoencoder. Edit shows both the same
 * picture, at the size of the result; Edit-Plus shows each its own copy of the original.
 *
 * @throws QwenImageInputError for a condition without pictures, with several in Edit, or with special tokens in its text.
 */
export function prepareCondition(
  kind: PipelineKind,
  { references, text }: EditCondition,
  sizes: PipelineSizes = {},
): PreparedCondition {
  checkPictures(kind, references);
  const special = SPECIAL.exec(text)?.[0];
  if (special !== undefined)
    throw new QwenImageInputError(`the text contains ${special}, which would count as the special token`);
  const size = outputSize(kind, references, sizes);
  const prompt = editPrompt(kind, text, references.length);
  if (kind === 'edit') {
    const shown = [resized(references[0]!, size)];
    return { size, prompt, seen: shown, references: shown };
  }
  const { area = 1024 ** 2, conditionArea = 384 ** 2 } = sizes;
  const copies = (pixels: number) => references.map((image) => resized(image, sizeOfArea(image, pixels)));
  return { size, prompt, seen: copies(conditionArea), references: copies(area) };
}

/** Throws {@link QwenImageInputError} unless the pipeline takes as many pictures. */
export function checkPictures(kind: PipelineKind, references: readonly Image[]): void {
  if (references.length === 0) throw new QwenImageInputError('an edit needs at least one reference picture');
  if (kind === 'edit' && references.length > 1)
    throw new QwenImageInputError(
      `an edit has ${references.length} reference pictures, the Edit pipeline takes one; use a model of Edit-Plus`,
    );
}

function resized(image: Image, size: PixelSize): Image {
  if (sameSize(image, size)) return image;
  return imageOf(resample(pixelsOf(image), { ...size, filter: 'lanczos' }));
}
