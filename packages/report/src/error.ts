import { ThinkError } from '@thinkrl/spec';

/** A run folder that cannot be read at all, or a report that cannot be written. */
export class ReportError extends ThinkError {
  readonly code = 'REPORT_FOLDER';
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path}: ${problem}`, options);
    this.path = path;
  }
}
