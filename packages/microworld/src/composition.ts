import { RULE_NAMES, type RuleName } from './rules/index.ts';

/** Two rules in one instruction: a state of one thing changes, and something else happens. */
export interface Composition {
  readonly state: RuleName;
  readonly other: RuleName;
}

/** Rules that change one thing in its place and so go with any other. */
const STATE_RULES: readonly RuleName[] = ['candle', 'ice', 'apple', 'plant', 'arrow'];

/** Every ordered pair of a state rule and another rule: 74. Ice and glass do not go together, both make puddles. */
export const COMPOSITIONS: readonly Composition[] = STATE_RULES.flatMap((state) =>
  RULE_NAMES.filter((other) => other !== state && !(state === 'ice' && other === 'glass')).map((other) => ({
    state,
    other,
  })),
);

/** The compositions never seen in training, every third: 25. They make the out-of-domain split. */
export const HELD_OUT: readonly Composition[] = COMPOSITIONS.filter((_, index) => index % 3 === 0);

/** The compositions of training: 49. */
export const TRAINED: readonly Composition[] = COMPOSITIONS.filter((_, index) => index % 3 !== 0);
