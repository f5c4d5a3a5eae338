import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadMicro, microCodec } from '@thinkrl/backbones/micro';
import { exportOnnx } from '@thinkrl/backbones/micro-onnx';
import { createEditSampler } from '@thinkrl/edit-generator';
import { sampleTask } from '@thinkrl/microworld';
import { Key } from '@thinkrl/spec';
import { expect, it } from 'vitest';
import { torchIsHere, useCpu } from './engine.ts';

if (!(await torchIsHere())) await useCpu();

it('the example plans and edits', async () => {
  const { policy, backbone } = await loadMicro();
  const task = sampleTask(Key.of(7), 'id');
  const session = await policy.begin([task], 1);
  const [plan] = await session.plan({ sampling: { temperature: 0 }, keys: [Key.of(1)] });
  const editor = createEditSampler({ backbone, codec: microCodec, steps: 4 });
  const condition = { references: task.references, text: plan!.text };
  const [edit] = await editor.sample([condition], { keys: [Key.of(2)], stochastic: false });
  session.dispose();
  expect(plan!.wellFormed).toBe(true);
  expect(edit!.image.width).toBe(32);
});

it('the example exports both models', async () => {
  const { policy, backbone } = await loadMicro();
  const before = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), 'readme-'));
  process.chdir(folder);
  try {
    await exportOnnx('editor.onnx', backbone.model);
    await exportOnnx('understander.onnx', policy.model);
    expect(existsSync('editor.onnx') && existsSync('understander.onnx')).toBe(true);
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  }
});
