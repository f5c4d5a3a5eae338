import type { RandomStream } from '@thinkrl/spec';
import type { Board } from './board.ts';
import type { Operation } from './operation.ts';

/** The four kinds of reasoning. */
export type Category = 'temporal' | 'causal' | 'spatial' | 'logical';

/** What one rule asks for in one scene. */
export interface RulePart {
  /** The instruction's words; they never say the result. */
  readonly instruction: readonly string[];
  readonly right: readonly Operation[];
  /** Wrong plans that someone might write, the systematic misconception first. */
  readonly wrong: readonly (readonly Operation[])[];
}

/** One kind of task. */
export interface Rule {
  readonly name: string;
  readonly category: Category;
  /** Whether the pre-training corpus gets this rule wrong more often than right. */
  readonly hard: boolean;
  /** Whether plain shapes standing by would change what is asked. */
  readonly alone: boolean;
  /** Every phrase of its instructions; `{...}` stands for words of things or directions. */
  readonly phrases: readonly string[];
  /**
   * Lays the rule out on the board: places its things and reserves the cells that its answer depends on. Null when
   * there is no room; the board is then not used any further.
   */
  build(board: Board, stream: RandomStream): RulePart | null;
}

/**
 * The words of a phrase with its `{...}` places filled.
 *
 * @example
 * fillPhrase('push the {thing} {direction}', { thing: 'red ball', direction: 'up' });
 */
export function fillPhrase(phrase: string, places: Readonly<Record<string, string>> = {}): readonly string[] {
  return phrase.replace(/\{(\w+)\}/g, (_, place: string) => places[place] ?? '').split(' ');
}

/** The words of a phrase that are not filled in. */
export function fixedWords(phrase: string): readonly string[] {
  return phrase.split(' ').filter((word) => !word.startsWith('{'));
}
