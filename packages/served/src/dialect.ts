import type { Failure } from './attempt.ts';

/** What a server calls the limit of tokens in a reply. */
export type TokenLimitField = 'max_tokens' | 'max_completion_tokens';

/** What is learnt of a server's words while it is asked. */
export interface Dialect {
  readonly tokenLimitField: TokenLimitField;
  /**
   * Looks at why a request with the limit called `asked` failed. A refusal that names the other word is no refusal of
   * the request: the other word is used from then on, and another attempt is worth it.
   */
  learn(failure: Failure, asked: TokenLimitField): Failure;
}

/** A dialect that begins with the given word, and changes to the other at most once. */
export function createDialect(first: TokenLimitField = 'max_tokens'): Dialect {
  const other = first === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens';
  let tokenLimitField: TokenLimitField = first;
  return {
    get tokenLimitField() {
      return tokenLimitField;
    },
    learn(failure, asked) {
      const named = new RegExp(`\\b${other}\\b`).test(failure.detail);
      if (failure.reason !== 'refused' || asked !== first || !named) return failure;
      tokenLimitField = other;
      return { ...failure, reason: 'other-dialect', retryAfter: 0 };
    },
  };
}
