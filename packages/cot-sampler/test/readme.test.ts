import { createChainSampler, fromReference } from '@thinkrl/cot-sampler';
import { fakeEditor, fakePolicy } from '@thinkrl/cot-sampler/testing';
import { type EditTask, Key } from '@thinkrl/spec';
import { expect, it } from 'vitest';

it('runs the example of the README', async () => {
  const picture = { width: 1, height: 1, data: new Float32Array(3) };
  const task: EditTask = { id: '1', references: [picture], instruction: 'burn it', category: 'temporal' };

  // A policy is a local transformer, a served model or, here, a fake; an editor is any flow-matching sampler.
  const policy = fakePolicy({ plan: () => 'shorten the candle', reflect: () => 'ok' });
  const parts = { policy, editor: fakeEditor(), composer: fromReference, rounds: 1 };
  const sampler = createChainSampler(parts);
  const request = {
    tasks: [task],
    groupSize: 4,
    sampling: { temperature: 1 },
    stochastic: [],
    key: Key.of(1),
  };
  const chains = await sampler.sample(request);
  const [first] = chains; // plan 'shorten the candle', one round that ended in ok
  expect(chains).toHaveLength(4);
  expect(first?.plan?.text).toBe('shorten the candle');
  expect(first?.rounds.map((round) => round.edit)).toEqual([null]);
});
