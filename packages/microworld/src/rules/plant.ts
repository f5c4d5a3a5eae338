import { stateRule } from './state-rule.ts';

/** Temporal: a plant grows from seed to flower. */
export const plant = stateRule({
  name: 'plant',
  category: 'temporal',
  hard: false,
  states: ['seed plant', 'sprout plant', 'flower plant'],
  excludes: [],
  phrases: {
    1: ['water the plant for a few days', 'give the plant a few days'],
    2: ['water the plant for a whole season', 'show the plant in full summer'],
  },
});
