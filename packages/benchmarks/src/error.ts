import { ThinkError } from '@thinkrl/spec';

/**
 * Base of every error of this package but `ConfigError`.
 *
 * @example
 * if (error instanceof BenchmarksError) console.error(error.code);
 */
export abstract class BenchmarksError extends ThinkError {}

/** What {@link BenchmarkFileError} says: the file or folder and what is wrong with it. */
export interface FileProblem {
  readonly path: string;
  readonly problem: string;
}

/** A file or folder of a benchmark that cannot be used at all; a single broken sample is reported instead. */
export class BenchmarkFileError extends BenchmarksError {
  readonly code = 'BENCHMARKS_FILE';
  readonly path: string;

  constructor({ path, problem }: FileProblem, options?: ErrorOptions) {
    super(`${path}: ${problem}`, options);
    this.path = path;
  }
}

/** A sample that its editor could not edit: counted, the run goes on. */
export class EditFailedError extends BenchmarksError {
  readonly code = 'BENCHMARKS_EDIT_FAILED';
}

/** A prompt that is missing from a book or cannot be filled in. */
export class PromptError extends BenchmarksError {
  readonly code = 'BENCHMARKS_PROMPT';
}

/** Replies on which the benchmark's own evaluator stops with an error, so that it prints no number either. */
export class UpstreamCrashError extends BenchmarksError {
  readonly code = 'BENCHMARKS_UPSTREAM_CRASH';
  readonly sample: string;

  constructor(problem: { readonly sample: string; readonly problem: string }) {
    super(`${problem.sample}: ${problem.problem}`);
    this.sample = problem.sample;
  }
}
