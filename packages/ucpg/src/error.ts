const marker = Symbol.for('thinkrl.error');

/** Stable codes of {@link UcpgError}. */
export type UcpgErrorCode = 'UCPG_EMPTY' | 'UCPG_RAGGED' | 'UCPG_NOT_FINITE' | 'UCPG_OPTION';

/** What a {@link UcpgError} says: where the fault is, what was found there and how to mend it. */
export interface UcpgProblem {
  /** Path of the faulty value, such as `rewards[2][0]` or `options.weights`. */
  readonly field: string;
  readonly value: unknown;
  readonly fix: string;
}

/**
 * Input that cannot be grouped. `ThinkError.isInstance` of `@thinkrl/spec` recognises it, without a dependency on
 * that package.
 *
 * @example
 * try { ucpg([[1, 0], [1]]); } catch (error) { (error as UcpgError).code; } // 'UCPG_RAGGED'
 */
export class UcpgError extends Error {
  readonly code: UcpgErrorCode;
  readonly field: string;
  readonly value: unknown;
  readonly fix: string;

  constructor(code: UcpgErrorCode, problem: UcpgProblem, options?: ErrorOptions) {
    super(`${problem.field} is ${printed(problem.value)}: ${problem.fix}`, options);
    this.name = 'UcpgError';
    this.code = code;
    this.field = problem.field;
    this.value = problem.value;
    this.fix = problem.fix;
    Object.defineProperty(this, marker, { value: true });
  }
}

function printed(value: unknown): string {
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
}
