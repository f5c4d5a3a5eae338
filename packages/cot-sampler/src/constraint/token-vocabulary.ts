import { ConfigError } from '@thinkrl/spec';
import { TokenTrie } from './token-trie.ts';

/** Tokens of a byte-level tokenizer, laid out once and shared by every constraint over them. */
export class TokenVocabulary {
  readonly trie: TokenTrie;
  /** Id of the token that ends a text. */
  readonly end: number;
  private readonly tokens: readonly (Uint8Array | null)[];

  /**
   * `tokens[id]` are the bytes of a token; null for those that are no text (padding, roles, the end).
   *
   * @throws ConfigError when `end` is no token.
   * @example
   * const tokens = pieces.map((piece) => (special.has(piece) ? null : byteLevelBytes(piece)));
   * const vocabulary = new TokenVocabulary(tokens, pieces.indexOf('<|im_end|>'));
   */
  constructor(tokens: readonly (Uint8Array | null)[], end: number) {
    if (!(Number.isInteger(end) && end >= 0 && end < tokens.length))
      throw new ConfigError({ field: 'end', value: end, fix: `use an id below ${tokens.length}` });
    this.tokens = tokens.map((token, id) => (id === end ? null : token));
    this.end = end;
    this.trie = new TokenTrie(this.tokens);
  }

  /** Bytes of a token; none for one that is no text. */
  bytesOf(id: number): Uint8Array | null {
    return this.tokens[id] ?? null;
  }

  /** The bytes of several tokens as text; bytes that are no UTF-8 become U+FFFD. */
  textOf(ids: readonly number[]): string {
    const parts = ids.map((id) => this.bytesOf(id) ?? new Uint8Array(0));
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(parts));
  }

  /** Which of the bytes are no token of their own. */
  lacking(bytes: readonly number[]): readonly number[] {
    const alone = new Set(this.tokens.flatMap((token) => (token?.length === 1 ? [token[0]!] : [])));
    return bytes.filter((byte) => !alone.has(byte));
  }
}
