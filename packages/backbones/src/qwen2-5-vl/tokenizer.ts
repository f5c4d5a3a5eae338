import { Tokenizer } from '@huggingface/tokenizers';
import { byteLevelBytes, TokenVocabulary } from '@thinkrl/cot-sampler';
import { QwenVlFolderError } from './error.ts';

/**
 * The byte-level tokenizer of a model folder: `tokenizer.json`, read by `@huggingface/tokenizers`.
 *
 * @example
 * const ids = tokenizer.encode('<|im_start|>user\nMake it snow.<|im_end|>\n');
 */
export class QwenVlTokenizer {
  private readonly tokenizer: Tokenizer;
  private readonly path: string;
  private readonly special: readonly string[];

  /** From the contents of `tokenizer.json` and `tokenizer_config.json`; `path` is only named in errors. */
  constructor(json: object, config: object, path = 'tokenizer.json') {
    this.path = path;
    try {
      this.tokenizer = new Tokenizer(json, config);
    } catch (cause) {
      throw new QwenVlFolderError(path, 'it is not a tokenizer that can be read', { cause });
    }
    const added = [...this.tokenizer.get_added_tokens_decoder().values()];
    this.special = added.filter((token) => token.special).map((token) => token.content);
  }

  /** Ids of a text, in which special tokens count as such. */
  encode(text: string): Int32Array {
    return Int32Array.from(this.tokenizer.encode(text, { add_special_tokens: false }).ids);
  }

  /** The text of ids, special tokens left out. */
  decode(ids: ArrayLike<number>): string {
    if (ids.length === 0) return '';
    const options = { skip_special_tokens: true, clean_up_tokenization_spaces: false };
    return this.tokenizer.decode(Array.from(ids), options);
  }

  /** The id of a token by its text. Throws {@link QwenVlFolderError} when there is none. */
  idOf(token: string): number {
    const id = this.tokenizer.token_to_id(token);
    if (id === undefined) throw new QwenVlFolderError(this.path, `the vocabulary has no token ${token}`);
    return id;
  }

  /** The tokens as constraints take them: bytes of texts, none of special tokens. `end` is the id that ends a text. */
  vocabulary(end: number): TokenVocabulary {
    const added = this.tokenizer.get_added_tokens_decoder();
    const pieces = [...this.tokenizer.get_vocab(true)];
    const last = pieces.reduce((most, [, id]) => Math.max(most, id), 0);
    const tokens = new Array<Uint8Array | null>(last + 1).fill(null);
    for (const [piece, id] of pieces) if (!added.has(id)) tokens[id] = byteLevelBytes(piece);
    return new TokenVocabulary(tokens, end);
  }

  /** The first special token that a text contains; a text of a user's should contain none. */
  specialIn(text: string): string | undefined {
    return this.special.find((token) => text.includes(token));
  }
}
