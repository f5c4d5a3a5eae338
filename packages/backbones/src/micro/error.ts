import { ThinkError } from '@thinkrl/spec';

/** Weights that are missing, damaged or made for another model. */
export class MicroWeightsError extends ThinkError {
  readonly code = 'BACKBONES_MICRO_WEIGHTS';
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`micro weights ${path}: ${problem}`, options);
    this.path = path;
  }
}

/** A task, chain or condition that the micro models cannot take. */
export class MicroInputError extends ThinkError {
  readonly code = 'BACKBONES_MICRO_INPUT';
}
