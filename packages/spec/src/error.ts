const marker = Symbol.for('thinkrl.error');

/**
 * Base of every error thrown on purpose by a thinkrl package.
 *
 * `code` is stable across releases; subclasses add a typed payload. `ThinkError.isInstance` also recognises errors
 * made by another installed copy of the package.
 *
 * @example
 * try { await run(); } catch (error) { if (ThinkError.isInstance(error)) console.error(error.code); }
 */
export abstract class ThinkError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    Object.defineProperty(this, marker, { value: true });
  }

  /** Whether `error` was thrown on purpose by any thinkrl package. */
  static isInstance(error: unknown): error is ThinkError {
    return typeof error === 'object' && error !== null && marker in error;
  }
}

/** Base of errors about a file or folder that cannot be used: which one, and what is wrong with it. */
export abstract class FileError extends ThinkError {
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path}: ${problem}`, options);
    this.path = path;
  }
}

/** What {@link ConfigError} says: the field, the value found in it and how to mend it. */
export interface ConfigProblem {
  readonly field: string;
  readonly value: unknown;
  readonly fix: string;
}

/**
 * A setting that cannot work, found where its component is built.
 *
 * @example
 * throw new ConfigError({ field: 'groupSize', value: 1, fix: 'use an integer of at least 2' });
 * // groupSize is 1: use an integer of at least 2
 */
export class ConfigError extends ThinkError {
  readonly code = 'THINKRL_CONFIG';
  readonly field: string;
  readonly value: unknown;
  readonly fix: string;

  constructor(problem: ConfigProblem, options?: ErrorOptions) {
    super(`${problem.field} is ${JSON.stringify(problem.value)}: ${problem.fix}`, options);
    this.field = problem.field;
    this.value = problem.value;
    this.fix = problem.fix;
  }
}
