import { stateRule } from './state-rule.ts';

/** Temporal: a candle burns down one level an hour and stays out. */
export const candle = stateRule({
  name: 'candle',
  category: 'temporal',
  hard: true,
  states: ['tall candle', 'mid candle', 'low candle', 'out candle'],
  excludes: [],
  phrases: {
    1: ['show the candle after one hour', 'the candle burns for one hour'],
    2: ['show the candle after two hours', 'the candle burns for two hours'],
    3: ['show the candle after three hours', 'the candle burns for three hours'],
  },
});
