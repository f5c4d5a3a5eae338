import { ThinkError } from '@thinkrl/spec';

/** What is wrong with a sampler's input: the field, what was found in it and how to mend it. */
export interface EditGeneratorProblem {
  readonly field: string;
  readonly found: unknown;
  readonly fix: string;
}

/**
 * Input that no edit can be sampled or scored from: an empty batch, sigmas out of order, a trajectory that does not
 * belong to its batch, numbers that are not finite.
 */
export class EditGeneratorError extends ThinkError {
  readonly code: 'EDIT_EMPTY' | 'EDIT_SIGMAS' | 'EDIT_SHAPE' | 'EDIT_TRAJECTORY' | 'EDIT_NOT_FINITE';
  readonly field: string;
  readonly found: unknown;

  constructor(code: EditGeneratorError['code'], problem: EditGeneratorProblem, options?: ErrorOptions) {
    super(
      `${problem.field} is ${JSON.stringify(problem.found) ?? String(problem.found)}: ${problem.fix}`,
      options,
    );
    this.code = code;
    this.field = problem.field;
    this.found = problem.found;
  }
}
