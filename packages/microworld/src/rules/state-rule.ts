import { pickOne } from '../board.ts';
import type { Operation } from '../operation.ts';
import { type Category, fillPhrase, type Rule } from '../rule.ts';
import { TEMPLATES, templateId } from '../template.ts';

/** A thing that goes through a row of states with time, and stays in the last. */
export interface StateRuleOptions {
  readonly name: string;
  readonly category: Category;
  readonly hard: boolean;
  /** Template names in order. */
  readonly states: readonly string[];
  /** Nouns that must not be on the board beside it. */
  readonly excludes: readonly string[];
  /** Phrases by the number of steps that they stand for, from 1 on. */
  readonly phrases: Readonly<Record<number, readonly string[]>>;
}

/**
 * The rule of a thing that changes in place by 1, 2 or 3 states. The misconception is another later state, the nearest
 * first; where there is none, an earlier one.
 */
export function stateRule(options: StateRuleOptions): Rule {
  const { states, excludes } = options;
  const ids = states.map(templateId);
  const nouns = [...new Set(ids.map((id) => TEMPLATES[id]!.noun)), ...excludes];
  const spans = Object.entries(options.phrases).map(([steps, phrases]) => ({
    steps: Number(steps),
    phrases,
  }));
  return {
    name: options.name,
    category: options.category,
    hard: options.hard,
    alone: false,
    phrases: spans.flatMap(({ phrases }) => phrases),
    build(board, stream) {
      if (board.has(...nouns)) return null;
      const cell = pickOne(board.freeCells(), stream);
      if (cell === undefined) return null;
      const start = stream.integer(ids.length - 1);
      const { steps, phrases } = stream.pick(spans);
      const end = Math.min(ids.length - 1, start + steps);
      board.place(cell, ids[start]!);
      const become = (state: number): readonly Operation[] => [
        { kind: 'change', at: cell, thing: ids[state]! },
      ];
      return {
        instruction: fillPhrase(stream.pick(phrases)),
        right: become(end),
        wrong: otherStates(ids.length, start, end).map(become),
      };
    },
  };
}

function otherStates(count: number, start: number, end: number): readonly number[] {
  const all = Array.from({ length: count }, (_, state) => state);
  const later = all.filter((state) => state > start && state !== end);
  const earlier = all.filter((state) => state < start).toReversed();
  return [...later, ...earlier];
}
