import { APIError } from 'openai';
import type { FailureReason } from './error.ts';

/** Why one attempt failed, whether another may help, and how long the server asks to wait. */
export interface Failure {
  readonly reason: FailureReason;
  readonly detail: string;
  readonly status?: number;
  /** The server's own Retry-After, in ms. */
  readonly retryAfter?: number;
}

/** What {@link failureOf} has to know beside the error. */
export interface FailureContext {
  /** Whether the attempt was cut by its time limit. */
  readonly timedOut: boolean;
  /** Replaces secrets in what the server said. */
  readonly redact: (text: string) => string;
}

const longestDetail = 300;

/**
 * Reads an error of the client as a failure of one attempt. Error messages of the server are kept, shortened and
 * redacted: some repeat the key.
 */
export function failureOf(error: unknown, { timedOut, redact }: FailureContext): Failure {
  if (timedOut) return { reason: 'timeout', detail: 'no reply within the time limit' };
  if (error instanceof SyntaxError) return { reason: 'malformed', detail: 'the reply is not JSON' };
  const status: unknown = error instanceof APIError ? error.status : undefined;
  if (!(error instanceof APIError) || typeof status !== 'number')
    return { reason: 'connection', detail: 'the connection failed or was cut' };
  const retryAfter = retryAfterOf(error.headers);
  return {
    reason: reasonOf(status),
    detail: redact(error.message).slice(0, longestDetail),
    status,
    ...(retryAfter !== undefined && { retryAfter }),
  };
}

function reasonOf(status: number): FailureReason {
  if (status === 429) return 'rate-limited';
  if (status === 408) return 'timeout';
  return status >= 500 || status === 409 ? 'server-error' : 'refused';
}

/** Retry-After as milliseconds from now: `retry-after-ms`, seconds or a date. */
function retryAfterOf(headers: Headers | undefined): number | undefined {
  const exact = Number.parseFloat(headers?.get('retry-after-ms') ?? '');
  if (exact >= 0) return exact;
  const header = headers?.get('retry-after') ?? '';
  const seconds = Number(header);
  const wait = header !== '' && Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

/** How often a request is tried and how long is waited in between. */
export interface RetryOptions {
  /** Attempts in all; default 5. */
  readonly attempts?: number;
  /** Wait after the first failure, in ms, doubled after each further one; default 500. */
  readonly firstWait?: number;
  /** Longest wait of its own accord, in ms; a server's Retry-After may be longer; default 20 000. */
  readonly longestWait?: number;
}

/** {@link RetryOptions} with every setting filled in. */
export type RetryRule = Required<RetryOptions>;

/** The wait before the attempt after `attempts` failed ones, in ms; null where no further one is worth it. */
export function waitBeforeRetry(failure: Failure, attempts: number, rule: RetryRule): number | null {
  if (failure.reason === 'refused' || attempts >= rule.attempts) return null;
  if (failure.retryAfter !== undefined) return failure.retryAfter;
  const wait = Math.min(rule.longestWait, rule.firstWait * 2 ** (attempts - 1));
  // Jitter keeps processes apart that failed together; no result depends on it.
  return wait * (0.5 + 0.5 * Math.random());
}
