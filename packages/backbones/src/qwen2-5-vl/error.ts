import { ThinkError } from '@thinkrl/spec';

/** A model folder that is incomplete, damaged or of an architecture that is not built here. */
export class QwenVlFolderError extends ThinkError {
  readonly code = 'BACKBONES_QWEN2_5_VL_FOLDER';
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path}: ${problem}`, options);
    this.path = path;
  }
}

/** A prompt, picture or chain that the model cannot take. */
export class QwenVlInputError extends ThinkError {
  readonly code = 'BACKBONES_QWEN2_5_VL_INPUT';
}
