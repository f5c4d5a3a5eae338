import { explain, grouping, ucpg } from '@thinkrl/ucpg';
import { expect, it } from 'vitest';

it('runs the example of the README', async () => {
  // Rewards of four edits of one task: instruction, consistency, quality. The last one could not be judged.
  const rewards = [[0.2, 0.5, 0.6], [0.9, 0.1, 0.7], [0.6, 0.9, 0.8], null];
  const group = ucpg(rewards);
  const { kept, advantages } = group; // [0, 2] and [-1, 0, 1, 0]
  const why = explain(rewards, group)[1]?.text; // left out: against 0 it is better in ... and worse in ...

  // Consistency must not be traded for the others: sample 1, the worst in it, is pushed down with 0.
  const led = ucpg(rewards, { lead: 1 }).advantages; // [-1, -1, 1, 0]

  const weighted = grouping('weightedSum', { weights: [2, 1, 1] });
  const all = weighted(rewards).kept; // [0, 1, 2], worst first
  expect(kept).toEqual([0, 2]);
  expect(advantages.map((a) => a.toFixed(2))).toEqual(['-1.00', '0.00', '1.00', '0.00']);
  expect(why).toMatch(/^left out: against 0 it is better in .* and worse in /);
  expect(led.map((a) => a.toFixed(2))).toEqual(['-1.00', '-1.00', '1.00', '0.00']);
  expect(all).toEqual([0, 1, 2]);
});
