/**
 * Which tokens may follow what has been said: for texts that must parse. Of a JSON schema or any other grammar it is
 * what the parser of a prefix knows.
 *
 * @example
 * // 'yes' or 'no', then the end.
 * const grammar: TokenGrammar = { allowed: (said) => (said.length === 0 ? [YES, NO] : [END]) };
 */
export interface TokenGrammar {
  /** Ids that may come next; the end token where the text may end. At least one, until the end was said. */
  allowed(said: readonly number[]): readonly number[];
}
