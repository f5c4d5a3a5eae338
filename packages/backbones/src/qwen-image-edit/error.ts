import { FileError, ThinkError } from '@thinkrl/spec';

/** A model folder that is incomplete, damaged, or of an architecture that is not built here. */
export class QwenImageFolderError extends FileError {
  readonly code = 'BACKBONES_QWEN_IMAGE_FOLDER';
}

/** Conditions or latents that the model cannot take. */
export class QwenImageInputError extends ThinkError {
  readonly code = 'BACKBONES_QWEN_IMAGE_INPUT';
}
