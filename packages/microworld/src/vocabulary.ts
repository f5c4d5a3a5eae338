import { TextTooLongError, UnknownWordError } from './error.ts';
import { CELL_NAMES } from './grid.ts';
import { OPERATION_WORDS, STOP } from './plan.ts';
import { fixedWords } from './rule.ts';
import { RULES } from './rules/index.ts';
import { TEMPLATES } from './template.ts';

/** The special tokens; their ids are their positions, `<pad>` is 0. */
export const SPECIAL_WORDS = ['<pad>', '<end>', '<plan>', '<refl>', '<instr>', 'ok', 'fix', 'and'] as const;

/** Slots of each kind of text; plan and reflection count their `<end>`. */
export const SLOTS = { instruction: 20, plan: 18, reflection: 14, editorText: 20 } as const;

function collectWords(): readonly string[] {
  const things = TEMPLATES.flatMap(({ attribute, noun }) => [attribute, noun]);
  const phrases = Object.values(RULES).flatMap((rule) => rule.phrases.flatMap(fixedWords));
  const words = new Set<string>([...OPERATION_WORDS, STOP, ...CELL_NAMES, ...things, ...phrases]);
  for (const special of SPECIAL_WORDS) words.delete(special);
  return [...SPECIAL_WORDS, ...[...words].sort()];
}

/**
 * Every word of the micro-world, the special ones first, the others in code-unit order: derived from the grammar, the
 * things and the rules' phrases, not from samples. A word's id is its position.
 */
export const VOCABULARY: readonly string[] = collectWords();

const IDS: ReadonlyMap<string, number> = new Map(VOCABULARY.map((word, id) => [word, id]));

/** Id of the padding word. */
export const PAD = 0;

/** Id of the end word. */
export const END = 1;

/** The id of a word; {@link UnknownWordError} for one that the vocabulary does not have. */
export function wordId(word: string): number {
  const id = IDS.get(word);
  if (id === undefined) throw new UnknownWordError({ word });
  return id;
}

/** Ids of the cell words in cell order: `[16]`. */
export const CELL_WORD_IDS: readonly number[] = CELL_NAMES.map(wordId);

/**
 * Word ids, padded with `<pad>` to `length`.
 *
 * @throws UnknownWordError for a word that the vocabulary does not have, TextTooLongError for more words than slots.
 * @example
 * encodeWords(['ok', '<end>'], 4); // Int32Array [5, 1, 0, 0]
 */
export function encodeWords(words: readonly string[], length: number): Int32Array {
  if (words.length > length) throw new TextTooLongError({ words: words.length, slots: length });
  const ids = new Int32Array(length);
  words.forEach((word, index) => {
    ids[index] = wordId(word);
  });
  return ids;
}

/** The words of a row of ids up to the first `<end>`, without padding. */
export function decodeWords(ids: ArrayLike<number>): readonly string[] {
  const words: string[] = [];
  for (let i = 0; i < ids.length && ids[i] !== END; i++)
    if (ids[i] !== PAD) words.push(VOCABULARY[ids[i]!] ?? '<unknown>');
  return words;
}
