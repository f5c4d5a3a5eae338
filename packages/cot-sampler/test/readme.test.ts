import {
  byteLevelBytes,
  createChainSampler,
  createTokenConstraint,
  fromReference,
  jsonPattern,
  sampleToken,
  TokenVocabulary,
} from '@thinkrl/cot-sampler';
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

it('runs the example of a constraint', () => {
  const letters = Array.from({ length: 0x144 }, (_, code) => String.fromCodePoint(code));
  const bytes = letters.filter((letter) => !/[\0-\x20\x7f-\xa0\xad]/.test(letter));
  const pieces = [...bytes, '{"', 'verdict', '":Ġ"', '<|im_end|>'];
  const logitsAfter = (said: readonly number[]) =>
    Float32Array.from(pieces, (_, id) => Math.sin(id * (said.length + 1)));

  const end = pieces.indexOf('<|im_end|>'); // pieces: the tokenizer's vocabulary, byte-level BPE
  const tokens = pieces.map((piece) => (piece === '<|im_end|>' ? null : byteLevelBytes(piece)));
  const vocabulary = new TokenVocabulary(tokens, end);
  const pattern = jsonPattern({ type: 'object', properties: { verdict: { enum: ['ok', 'fix'] } } });
  const grammar = createTokenConstraint({ pattern, vocabulary, mostTokens: 32 });

  const stream = Key.of(1).stream();
  const said: number[] = [];
  while (said.at(-1) !== end) {
    const allowed = grammar.allowed(said);
    said.push(sampleToken(logitsAfter(said), { temperature: 1, allowed }, stream).token);
  }
  const { verdict } = JSON.parse(vocabulary.textOf(said)); // 'ok' or 'fix', whatever the logits

  expect(['ok', 'fix']).toContain(verdict);
});
