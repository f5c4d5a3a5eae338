import { ThinkError } from '@thinkrl/spec';

/** What is wrong with the tensors or numbers of a loss: the field, what was found in it and how to mend it. */
export interface GrpoProblem {
  readonly field: string;
  readonly found: unknown;
  readonly fix: string;
}

/** Inputs of a loss that do not fit together or hold values that no loss can be made of. */
export class GrpoError extends ThinkError {
  readonly code: 'GRPO_EMPTY' | 'GRPO_SHAPE' | 'GRPO_NOT_FINITE' | 'GRPO_RANGE' | 'GRPO_MISSING';
  readonly field: string;
  readonly found: unknown;

  constructor(code: GrpoError['code'], problem: GrpoProblem, options?: ErrorOptions) {
    super(
      `${problem.field} is ${JSON.stringify(problem.found) ?? String(problem.found)}: ${problem.fix}`,
      options,
    );
    this.code = code;
    this.field = problem.field;
    this.found = problem.found;
  }
}
