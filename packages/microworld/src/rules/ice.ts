import { stateRule } from './state-rule.ts';

/** Temporal: ice shrinks and melts to a puddle. */
export const ice = stateRule({
  name: 'ice',
  category: 'temporal',
  hard: false,
  states: ['big ice', 'small ice', 'water puddle'],
  excludes: ['glass'],
  phrases: {
    1: ['the ice lies in the sun for a minute', 'warm the ice a little'],
    2: ['the ice lies in the sun all day', 'warm the ice a lot'],
  },
});
