import { ConfigError, ThinkError } from '@thinkrl/spec';
import { UsageError } from './error.ts';
import type { Output } from './output.ts';

/** The exit status an error ends with: 2 for usage and settings, else 1. */
function exitStatus(error: unknown): number {
  const code = ThinkError.isInstance(error) ? error.code : null;
  return error instanceof UsageError || error instanceof ConfigError || code === 'THINKRL_CONFIG' ? 2 : 1;
}

/**
 * An error as it is shown: one line for an error thrown on purpose, with its stack when `verbose`; everything for one
 * that nobody foresaw.
 */
function describeError(error: unknown, verbose: boolean): string {
  if (!ThinkError.isInstance(error))
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  return verbose ? `${error.stack}${causes(error)}` : `thinkrl: ${error.message}`;
}

function causes(error: Error): string {
  return error.cause instanceof Error ? `\ncaused by ${error.cause.stack}${causes(error.cause)}` : '';
}

/** Shows an error on stderr, or as a record with `--json`. Returns the exit status. */
export function fail(error: unknown, output: Output, verbose: boolean): number {
  const status = exitStatus(error);
  const text = describeError(error, verbose);
  if (output.json) {
    const code = ThinkError.isInstance(error) ? error.code : null;
    output.record({ type: 'error', code, message: text, status });
  } else output.note(text);
  return status;
}
