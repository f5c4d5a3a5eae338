import { ThinkError } from '@thinkrl/spec';

/** A file of tasks, or a picture that a task names, that cannot be used. */
export class TaskFileError extends ThinkError {
  readonly code = 'RECIPES_TASK_FILE';
  /** The file, and the line where there is one. */
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path}: ${problem}`, options);
    this.path = path;
  }
}
