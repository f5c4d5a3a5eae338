import { ThinkError } from '@thinkrl/spec';

/** A command line that cannot be understood; the message says what to write instead. */
export class UsageError extends ThinkError {
  readonly code = 'CLI_USAGE';
}
