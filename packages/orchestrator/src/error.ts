import { FileError, ThinkError } from '@thinkrl/spec';

/** A run folder or checkpoint that cannot be used: what is wrong with which path. */
export class RunFolderError extends FileError {
  readonly code = 'ORCHESTRATOR_RUN_FOLDER';
}

/** Losses or gradients were not finite for several updates in a row. */
export class DivergedError extends ThinkError {
  readonly code = 'ORCHESTRATOR_DIVERGED';
  readonly module: string;
  readonly skipped: number;

  constructor(module: string, skipped: number) {
    super(
      `the ${module} module's loss or gradient was not finite ${skipped} updates in a row; ` +
        'resume from the last checkpoint with a lower learning rate',
    );
    this.module = module;
    this.skipped = skipped;
  }
}

/** A training invariant does not hold; the optimiser step was not taken. */
export class InvariantError extends ThinkError {
  readonly code = 'ORCHESTRATOR_INVARIANT';
}
