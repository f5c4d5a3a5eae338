import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadMicro, microCodec } from '@thinkrl/backbones/micro';
import { encodeOnnx } from '@thinkrl/backbones/micro-onnx';
import { createEditSampler } from '@thinkrl/edit-generator';
import { useEngine } from '@thinkrl/engine';
import { taskList } from '@thinkrl/microworld';
import { loadNetwork } from '@thinkrl/onnx';
import { Key } from '@thinkrl/spec';
import { expect, it } from 'vitest';
import { OnnxEditBackbone } from './onnx-edit-backbone.ts';

it('gives the pictures that the engine gives', async () => {
  await useEngine({ threads: 1 });
  const { backbone } = await loadMicro();
  const network = await loadNetwork({ model: await encodeOnnx(backbone.model) });
  const conditions = taskList(Key.of(1), 'id', 3).map(({ references, instruction: text }) => ({
    references,
    text,
  }));
  const keys = Key.of(4).split(3);
  const own = createEditSampler({ backbone, codec: microCodec, steps: 4 });
  const swapped = new OnnxEditBackbone(network, 4);
  try {
    const expected = await own.sample(conditions, { keys, stochastic: false });
    const found = await swapped.sample(conditions, { keys, stochastic: [] });
    found.forEach(({ image }, i) => {
      const gaps = image.data.map((value, at) => Math.abs(value - expected[i]!.image.data[at]!));
      expect(Math.max(...gaps)).toBeLessThan(1e-4);
    });
    await expect(swapped.sample(conditions, { keys, stochastic: [0] })).rejects.toThrow(
      /stochastic is \[0\]/,
    );
  } finally {
    await network.close();
  }
}, 120_000);

it('plans, edits and reflects with it', () => {
  const script = ['--import', 'tsx', '--conditions=@thinkrl/source', 'swap-backbone.ts'];
  const cwd = dirname(fileURLToPath(import.meta.url));
  const lines = execFileSync(process.execPath, script, { cwd, encoding: 'utf8' }).trim().split('\n');
  expect(lines.slice(-2)).toEqual(Array(2).fill(expect.stringMatching(/^\w.*: \w.*, then \w/)));
}, 120_000);
