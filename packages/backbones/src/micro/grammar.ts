import type { TokenGrammar } from '@thinkrl/cot-sampler';
import { CELL_WORD_IDS, END, TEMPLATES, wordId } from '@thinkrl/microworld';

const OK = wordId('ok');
const FIX = wordId('fix');
const STOP = wordId('.');
const MOVE = wordId('move');
const PUT = wordId('put');
const CHANGE = wordId('change');
const ERASE = wordId('erase');

const nounsOf = new Map<number, readonly number[]>();
for (const { attribute, noun } of TEMPLATES) {
  const id = wordId(attribute);
  nounsOf.set(id, [...new Set([...(nounsOf.get(id) ?? []), wordId(noun)])]);
}
const attributes = [...nounsOf.keys()];

/** Plans: one operation or more that end within `slots` tokens; nothing is allowed where not even one does. */
export function planGrammar(slots: number): TokenGrammar {
  return { allowed: (said) => allowedAfter(said, { from: 0, kinds: [MOVE, CHANGE, PUT, ERASE], slots }) };
}

/** Reflections that end within `slots` tokens: `ok`, or `fix` with operations that put and erase. */
export function reflectionGrammar(slots: number): TokenGrammar {
  return {
    allowed(said) {
      if (said.length === 0) return fitting([PUT, ERASE], 1, slots).length > 0 ? [OK, FIX] : [OK];
      if (said[0] === OK) return [END];
      return allowedAfter(said, { from: 1, kinds: [PUT, ERASE], slots });
    },
  };
}

interface Operations {
  /** Where the operations begin. */
  readonly from: number;
  readonly kinds: readonly number[];
  readonly slots: number;
}

function allowedAfter(said: readonly number[], { from, kinds, slots }: Operations): readonly number[] {
  let at = from;
  for (; at < said.length; at += wordsOf(said[at]!))
    if (at + wordsOf(said[at]!) > said.length) return nextWord(said.slice(at));
  const next = fitting(kinds, at, slots);
  return at === from ? next : [END, ...next];
}

/** Kinds of operations that end, with the end token, when they begin at a slot. */
function fitting(kinds: readonly number[], at: number, slots: number): readonly number[] {
  return kinds.filter((kind) => at + wordsOf(kind) < slots);
}

/** Words of an operation of a kind, `.` included. */
function wordsOf(kind: number): number {
  return kind === MOVE ? 6 : 5;
}

/** What follows the beginning of an operation: kind, attribute, noun, one cell or two, `.`. */
function nextWord(words: readonly number[]): readonly number[] {
  if (words.length === 1) return attributes;
  if (words.length === 2) return nounsOf.get(words[1]!)!;
  return words.length < wordsOf(words[0]!) - 1 ? CELL_WORD_IDS : [STOP];
}
