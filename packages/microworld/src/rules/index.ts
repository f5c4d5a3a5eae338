import type { Rule } from '../rule.ts';
import { apple } from './apple.ts';
import { arrow } from './arrow.ts';
import { candle } from './candle.ts';
import { glass } from './glass.ts';
import { ice } from './ice.ts';
import { magnet } from './magnet.ts';
import { mirror } from './mirror.ts';
import { odd } from './odd.ts';
import { pattern } from './pattern.ts';
import { plant } from './plant.ts';
import { push } from './push.ts';
import { relation } from './relation.ts';
import { sort } from './sort.ts';
import { sums } from './sums.ts';
import { support } from './support.ts';
import { swap } from './swap.ts';

/** The 16 rules by name, four per category. */
export const RULES = {
  candle,
  ice,
  apple,
  plant,
  push,
  magnet,
  support,
  glass,
  mirror,
  arrow,
  relation,
  swap,
  pattern,
  odd,
  sums,
  sort,
} as const satisfies Readonly<Record<string, Rule>>;

/** Name of one of the 16 rules. */
export type RuleName = keyof typeof RULES;

/** The names of the 16 rules, by category. */
export const RULE_NAMES = Object.keys(RULES) as readonly RuleName[];
