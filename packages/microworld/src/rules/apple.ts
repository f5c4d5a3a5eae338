import { stateRule } from './state-rule.ts';

/** Temporal: an apple ripens by one colour a week and ends brown. */
export const apple = stateRule({
  name: 'apple',
  category: 'temporal',
  hard: true,
  states: ['green apple', 'yellow apple', 'red apple', 'brown apple'],
  excludes: [],
  phrases: {
    1: ['leave the apple for one week', 'what will the apple be next week'],
    2: ['leave the apple for two weeks', 'show the apple two weeks later'],
    3: ['leave the apple for three weeks', 'forget the apple for a month'],
  },
});
