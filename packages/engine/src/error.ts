import { ThinkError } from '@thinkrl/spec';

/** The engine that could not be used. */
export interface EngineProblem {
  readonly engine: string;
  readonly reason: string;
}

/** An engine was asked for by name and cannot be used; the message says what is missing and how to get it. */
export class EngineError extends ThinkError {
  readonly code = 'ENGINE_UNAVAILABLE';
  readonly engine: string;

  constructor(problem: EngineProblem, options?: ErrorOptions) {
    super(`engine ${problem.engine}: ${problem.reason}`, options);
    this.engine = problem.engine;
  }
}
