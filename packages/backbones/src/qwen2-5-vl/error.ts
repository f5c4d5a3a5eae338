import { FileError, ThinkError } from '@thinkrl/spec';

/** A model folder that is incomplete, damaged or of an architecture that is not built here. */
export class QwenVlFolderError extends FileError {
  readonly code = 'BACKBONES_QWEN2_5_VL_FOLDER';
}

/** A prompt, picture or chain that the model cannot take. */
export class QwenVlInputError extends ThinkError {
  readonly code = 'BACKBONES_QWEN2_5_VL_INPUT';
}
