import { FileError } from '@thinkrl/spec';

/** A file of tasks, or a picture that a task names, that cannot be used; the path ends in the line where there is one. */
export class TaskFileError extends FileError {
  readonly code = 'RECIPES_TASK_FILE';
}
