import { createEditSampler, drawWindow, scoreTransitions } from '@thinkrl/edit-generator';
import { gaussianBackbone, identityCodec } from '@thinkrl/edit-generator/testing';
import { useEngine } from '@thinkrl/engine';
import { Key } from '@thinkrl/spec';
import { expect, it } from 'vitest';

it('runs the example of the README', async () => {
  await useEngine(); // torch, else wasm; any engine of tfjs will do

  const reference = { width: 4, height: 4, data: new Float32Array(48).fill(0.5) };
  const conditions = [0, 1, 2].map(() => ({ references: [reference], text: 'make it red' }));
  const backbone = gaussianBackbone(); // your EditBackbone goes here, and below its ImageCodec
  const sampler = createEditSampler({ backbone, codec: identityCodec, steps: 6, eta: 0.7 });

  const key = Key.of(7);
  const stochastic = drawWindow({ steps: 6, size: 2 }, key.fold('window'));
  const edits = await sampler.sample(conditions, { keys: key.split(3), stochastic });
  const scored = scoreTransitions({ backbone, edits, steps: stochastic }); // two steps, logProb [3] in each
  expect(edits.map(({ image }) => image.width)).toEqual([4, 4, 4]);
  expect(scored.map(({ logProb }) => logProb.shape)).toEqual([[3], [3]]);
});
