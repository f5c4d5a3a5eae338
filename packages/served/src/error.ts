import { ThinkError } from '@thinkrl/spec';

/**
 * Base of every error of this package but `ConfigError`.
 *
 * @example
 * if (error instanceof ServedError) console.error(error.code);
 */
export abstract class ServedError extends ThinkError {}

/**
 * Why a request failed: `refused` is a 4xx that asking again will not mend; `unreadable` a reply that came whole and
 * does not say what was asked for; `malformed` one that is no chat completion at all; `other-dialect` a refusal of a
 * field's name, after which the other name is used.
 */
export type FailureReason =
  | 'rate-limited'
  | 'server-error'
  | 'timeout'
  | 'connection'
  | 'malformed'
  | 'unreadable'
  | 'refused'
  | 'other-dialect';

/** What {@link ServedRequestError} says. */
export interface RequestProblem {
  readonly reason: FailureReason;
  readonly detail: string;
  readonly attempts: number;
  /** HTTP status, where the server gave one. */
  readonly status?: number;
}

/**
 * A request that got no usable reply, after every attempt. It carries no cause: what a client library throws may hold
 * headers, and with them the key.
 */
export class ServedRequestError extends ServedError {
  readonly code = 'SERVED_REQUEST';
  readonly reason: FailureReason;
  readonly attempts: number;
  readonly status: number | undefined;

  constructor(problem: RequestProblem) {
    const { reason, detail, attempts, status } = problem;
    super(`${reason} after ${attempts} attempt${attempts === 1 ? '' : 's'}: ${detail}`);
    this.reason = reason;
    this.attempts = attempts;
    this.status = status;
  }
}

/** A reply that came and does not say what was asked for; thrown by readers, it makes the model ask again. */
export class UnreadableReplyError extends ServedError {
  readonly code = 'SERVED_UNREADABLE_REPLY';
  readonly problem: string;

  constructor(problem: string) {
    super(problem);
    this.problem = problem;
  }
}
