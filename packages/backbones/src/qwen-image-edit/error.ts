import { ThinkError } from '@thinkrl/spec';

/** A model folder that is incomplete, damaged, or of an architecture that is not built here. */
export class QwenImageFolderError extends ThinkError {
  readonly code = 'BACKBONES_QWEN_IMAGE_FOLDER';
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path}: ${problem}`, options);
    this.path = path;
  }
}

/** Conditions or latents that the model cannot take. */
export class QwenImageInputError extends ThinkError {
  readonly code = 'BACKBONES_QWEN_IMAGE_INPUT';
}
