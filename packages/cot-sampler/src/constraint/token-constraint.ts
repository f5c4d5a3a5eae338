import { ConfigError } from '@thinkrl/spec';
import type { TokenGrammar } from '../grammar.ts';
import { ByteAutomaton, NOWHERE } from './byte-automaton.ts';
import type { Pattern } from './pattern.ts';
import type { TokenVocabulary } from './token-vocabulary.ts';

/** What a constraint is made of. */
export interface TokenConstraintOptions {
  /** The texts that are allowed, for example `jsonPattern(schema)`. */
  readonly pattern: Pattern;
  readonly vocabulary: TokenVocabulary;
  /**
   * Tokens of the longest text, its end token included. A text that could not end in time is not begun.
   * @defaultValue no bound
   */
  readonly mostTokens?: number;
  /**
   * Ids kept in masks, of all states together; the oldest masks are computed again.
   * @defaultValue 4,000,000
   */
  readonly keptIds?: number;
}

/** Tokens that may follow a state. */
interface Mask {
  readonly ids: readonly number[];
  /** Fewest tokens that must follow each of them, the end token included. */
  readonly needs: readonly number[];
  readonly greatestNeed: number;
}

/**
 * Lets a large tokenizer say only texts of a pattern: the pattern becomes an automaton over bytes, and the tokens that
 * may follow one of its states are found by one walk through the vocabulary's tree and kept for that state. A token may
 * span several parts of the pattern or end inside a character. Every byte that the pattern uses must be a token of its
 * own, so that any text can be finished, and within `mostTokens` is, whatever is drawn.
 *
 * @throws ConfigError for a vocabulary that lacks a byte or a `mostTokens` in which no text ends.
 * @example
 * const pattern = jsonPattern({ type: 'object', properties: { verdict: { enum: ['ok', 'fix'] } } });
 * const grammar = createTokenConstraint({ pattern, vocabulary, mostTokens: 64 });
 * sampleToken(logits, { temperature: 1, allowed: grammar.allowed(said) }, stream);
 */
export function createTokenConstraint(options: TokenConstraintOptions): TokenGrammar {
  const { vocabulary, mostTokens = Number.POSITIVE_INFINITY } = options;
  const automaton = new ByteAutomaton(options.pattern);
  checkReach(automaton, vocabulary, mostTokens);
  const masks = new MaskCache(automaton, vocabulary, options.keptIds ?? 4_000_000);
  return {
    allowed(said) {
      if (said.at(-1) === vocabulary.end) return [];
      const { ids, needs, greatestNeed } = masks.at(stateAfter(said, automaton, vocabulary));
      const left = mostTokens - said.length - 1;
      return greatestNeed <= left ? ids : ids.filter((_, i) => needs[i]! <= left);
    },
  };
}

function checkReach(automaton: ByteAutomaton, vocabulary: TokenVocabulary, mostTokens: number): void {
  const lacking = vocabulary.lacking(automaton.alphabet());
  if (lacking.length > 0)
    throw new ConfigError({
      field: 'vocabulary',
      value: lacking.map((byte) => `0x${byte.toString(16)}`),
      fix: 'use a byte-level vocabulary: these bytes of the pattern are no tokens of their own',
    });
  const least = automaton.distance(automaton.start) + 1;
  if (!(mostTokens >= least))
    throw new ConfigError({ field: 'mostTokens', value: mostTokens, fix: `use at least ${least}` });
}

function stateAfter(said: readonly number[], automaton: ByteAutomaton, vocabulary: TokenVocabulary): number {
  return said.reduce((from, id, i) => {
    const bytes = vocabulary.bytesOf(id) ?? [];
    let state = bytes.length === 0 ? NOWHERE : from;
    for (const byte of bytes) if (state !== NOWHERE) state = automaton.next(state, byte);
    if (state === NOWHERE)
      throw new ConfigError({ field: `said[${i}]`, value: id, fix: 'say only tokens that were allowed' });
    return state;
  }, automaton.start);
}

/** Masks of the states that were asked for last. */
class MaskCache {
  private readonly automaton: ByteAutomaton;
  private readonly vocabulary: TokenVocabulary;
  private readonly limit: number;
  private readonly masks = new Map<number, Mask>();
  private size = 0;

  constructor(automaton: ByteAutomaton, vocabulary: TokenVocabulary, limit: number) {
    this.automaton = automaton;
    this.vocabulary = vocabulary;
    this.limit = limit;
  }

  at(state: number): Mask {
    const mask = this.masks.get(state) ?? this.compute(state);
    this.size += this.masks.delete(state) ? 0 : mask.ids.length;
    this.masks.set(state, mask);
    this.dropOldest();
    return mask;
  }

  private compute(state: number): Mask {
    const { automaton, vocabulary } = this;
    const { ids, states } = vocabulary.trie.walk(automaton, state);
    const needs = states.map((reached) => automaton.distance(reached) + 1);
    if (automaton.distance(state) === 0) {
      ids.push(vocabulary.end);
      needs.push(0);
    }
    return { ids, needs, greatestNeed: needs.reduce((most, need) => Math.max(most, need), 0) };
  }

  private dropOldest(): void {
    for (const [state, { ids }] of this.masks) {
      if (this.size <= this.limit || this.masks.size === 1) return;
      this.masks.delete(state);
      this.size -= ids.length;
    }
  }
}
