import { loadMicro, microCodec } from '@thinkrl/backbones/micro';
import {
  LORA_TARGETS,
  loadQwenImage,
  QwenImageBackbone,
  qwenImageCodec,
} from '@thinkrl/backbones/qwen-image-edit';
import { loadQwenVl, QwenVlPolicy, QwenVlTextEncoder } from '@thinkrl/backbones/qwen2-5-vl';
import { createEditSampler, withGuidance } from '@thinkrl/edit-generator';
import { sampleTask } from '@thinkrl/microworld';
import { LoraAdapter } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import { expect, it } from 'vitest';
import { torchIsHere, useCpu } from './engine.ts';
import { writeModelFolder } from './qwen-image-folder.ts';
import { tinyFolder } from './qwen-vl-folder.ts';

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

it('the example loads a model and plans with it', async () => {
  const folder = tinyFolder();
  const task = sampleTask(Key.of(7), 'id');
  const { model, processor } = loadQwenVl(folder);
  const policy = new QwenVlPolicy({ model, processor, maxTokens: 32 });
  const session = await policy.begin([task], 4);
  const plans = await session.plan({ sampling: { temperature: 1 }, keys: Key.of(1).split(4) });
  session.dispose();
  expect(plans.map(({ logProbs }) => logProbs.length)).toEqual(plans.map(({ tokens }) => tokens.length));
});

it('the example loads an editor and edits with it', async () => {
  const folder = writeModelFolder({ folder: tinyFolder({ layout: 'pipeline' }) });
  const [area, steps] = [32 ** 2, 2];
  const { references } = sampleTask(Key.of(7), 'id');
  const condition = { references, text: 'make it snow' };
  const models = loadQwenImage(folder);
  const textEncoder = new QwenVlTextEncoder(loadQwenVl(folder));
  const lora = { rank: 64, alpha: 128, targets: LORA_TARGETS, key: Key.of(7) };
  const adapter = LoraAdapter.attach(models.transformer, lora);
  const trainable = adapter.parameters();
  const backbone = new QwenImageBackbone({ ...models, textEncoder, trainable, sizes: { area } });
  const editor = createEditSampler({
    backbone: withGuidance(backbone, { scale: 4 }),
    codec: qwenImageCodec(models.vae),
    schedule: models.schedule(steps),
  });
  const [edit] = await editor.sample([condition], { keys: [Key.of(1)], stochastic: false });
  expect(edit!.image.width).toBe(32);
});
