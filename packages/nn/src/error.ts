import { ThinkError } from '@thinkrl/spec';

/** A safetensors file that cannot be read as one. */
export class SafetensorsError extends ThinkError {
  readonly code = 'NN_SAFETENSORS';
  readonly path: string;
  readonly problem: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path} is not a usable safetensors file: ${problem}`, options);
    this.path = path;
    this.problem = problem;
  }
}

/** How a set of tensors differs from the parameters it should fill. */
export interface ParameterMismatch {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  /** Names whose shapes differ, with what the model has and what was found. */
  readonly shapes: readonly {
    readonly name: string;
    readonly expected: readonly number[];
    readonly found: readonly number[];
  }[];
}

/** Tensors that do not fit the parameters they were loaded into; nothing was changed. */
export class ParameterMismatchError extends ThinkError {
  readonly code = 'NN_PARAMETERS';
  readonly mismatch: ParameterMismatch;

  constructor(mismatch: ParameterMismatch, options?: ErrorOptions) {
    super(describeMismatch(mismatch), options);
    this.mismatch = mismatch;
  }
}

/** An adapter in a file that cannot be attached to the model. */
export class AdapterError extends ThinkError {
  readonly code = 'NN_ADAPTER';
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`the adapter in ${path} cannot be attached: ${problem}`, options);
    this.path = path;
  }
}

/** A tensor or parameter used in a way that would corrupt storage shared with others. */
export class StorageError extends ThinkError {
  readonly code = 'NN_STORAGE';
}

function describeMismatch({ missing, unexpected, shapes }: ParameterMismatch): string {
  const parts = [
    listed('missing', missing),
    listed('unexpected', unexpected),
    listed(
      'of another shape',
      shapes.map(({ name, expected, found }) => `${name} (has [${expected}], found [${found}])`),
    ),
  ];
  return `tensors do not fit the parameters: ${parts.filter((part) => part !== null).join('; ')}`;
}

function listed(label: string, names: readonly string[]): string | null {
  if (names.length === 0) return null;
  const more = names.length > 5 ? `, and ${names.length - 5} more` : '';
  return `${names.length} ${label}: ${names.slice(0, 5).join(', ')}${more}`;
}
