/** The split of the released tokenizer: words, single digits, punctuation, spaces. */
export const SPLIT =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** What a {@link tokenizerJson} holds. */
export interface TokenizerContent {
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges?: readonly string[];
  readonly special?: Readonly<Record<string, number>>;
  /** Whether a piece that is in the vocabulary is one token whatever the merges. */
  readonly ignoreMerges?: boolean;
}

/** A `tokenizer.json` of the released kind. */
export function tokenizerJson(content: TokenizerContent): object {
  const { vocab, merges = [], special = {}, ignoreMerges = false } = content;
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const split = { type: 'Split', pattern: { Regex: SPLIT }, behavior: 'Isolated', invert: false };
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: '1.0',
    added_tokens: Object.entries(special).map(([content, id]) => ({ id, content, ...flags })),
    normalizer: { type: 'NFC' },
    pre_tokenizer: { type: 'Sequence', pretokenizers: [split, byteLevel] },
    post_processor: byteLevel,
    decoder: byteLevel,
    model: { type: 'BPE', unk_token: null, byte_fallback: false, ignore_merges: ignoreMerges, vocab, merges },
  };
}

/** A template in the manner of the released one, in other words. */
export const TEMPLATE = [
  '{%- for turn in messages -%}',
  "{{- '<|im_start|>' + turn.role + '\\n' -}}",
  '{%- for part in turn.content -%}',
  "{%- if part.type == 'image' -%}{{- '<|vision_start|><|image_pad|><|vision_end|>' -}}",
  '{%- else -%}{{- part.text -}}{%- endif -%}{%- endfor -%}',
  "{{- '<|im_end|>\\n' -}}{%- endfor -%}",
  "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}",
].join('');

/** Names and ids that the tiny model's configuration has for special tokens. */
export const SPECIAL = {
  '<|vision_start|>': 149,
  '<|vision_end|>': 150,
  '<|image_pad|>': 151,
  '<|video_pad|>': 152,
  '<|endoftext|>': 153,
  '<|im_start|>': 154,
  '<|im_end|>': 155,
};

/** A tokenizer of the 160 ids of the tiny model: ASCII and pairs of letters. */
export function tinyTokenizer(): object {
  const characters = ['Ċ', 'Ġ', ...Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i))];
  const merges = ['t h', 'th e', 'Ġ the', 'i n', 'e r'];
  for (const letter of 'abcdefghijklmnopqrstuvwxyz') merges.push(`${letter} ${letter}`);
  for (const letter of 'ABCDEFGHIJKLMNOPQRSTUV') merges.push(`${letter} ${letter}`);
  const words = [...characters, ...merges.map((pair) => pair.replace(' ', ''))];
  const vocab = Object.fromEntries(words.map((word, id) => [word, id]));
  const rest = Object.fromEntries([156, 157, 158, 159].map((id) => [`<|unused_${id}|>`, id]));
  return tokenizerJson({ vocab, merges, special: { ...SPECIAL, ...rest } });
}

/** Bytes as the characters that stand for them in byte-level vocabularies. */
export function byteCharacters(bytes: Uint8Array): string {
  const plain = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  const others = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !plain(byte));
  return Array.from(bytes, (byte) =>
    String.fromCharCode(plain(byte) ? byte : 256 + others.indexOf(byte)),
  ).join('');
}

/** A tokenizer for any text: every byte, and some merges of letters. */
export function byteTokenizer(): object {
  const bytes = [...byteCharacters(Uint8Array.from({ length: 256 }, (_, byte) => byte))];
  const merges = ['t h', 'th e', 'Ġ the', 'i n', 'Ã ©', 'ä ½'];
  const vocab = Object.fromEntries(
    [...bytes, ...merges.map((pair) => pair.replace(' ', ''))].map((word, id) => [word, id]),
  );
  return tokenizerJson({ vocab, merges, special: { '<|im_end|>': Object.keys(vocab).length } });
}
