import { ThinkError } from '@thinkrl/spec';

/** What is wrong with numbers that texts are drawn from: the field, what was found in it and how to mend it. */
export interface CotSamplerProblem {
  readonly field: string;
  readonly found: unknown;
  readonly fix: string;
}

/** Numbers that no text can be drawn from. Settings that cannot work are a `ConfigError`. */
export class CotSamplerError extends ThinkError {
  readonly code = 'COT_NOT_FINITE';
  readonly field: string;
  readonly found: unknown;

  constructor({ field, found, fix }: CotSamplerProblem, options?: ErrorOptions) {
    super(`${field} is ${JSON.stringify(found)}: ${fix}`, options);
    this.field = field;
    this.found = found;
  }
}
