import { FileError } from '@thinkrl/spec';

/** A run folder that cannot be read at all, or a report that cannot be written. */
export class ReportError extends FileError {
  readonly code = 'REPORT_FOLDER';
}
