import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { createEditSampler, prepareTransitions, withGuidance } from '@thinkrl/edit-generator';
import { useEngine } from '@thinkrl/engine';
import { AdamW, gradients, LoraAdapter, loadPeftAdapter, type Objective, savePeftAdapter } from '@thinkrl/nn';
import { type Chain, type EditTask, type Image, Key } from '@thinkrl/spec';
import { expect, it } from 'vitest';
import {
  LORA_TARGETS,
  loadQwenImage,
  QwenImageBackbone,
  qwenImageCodec,
} from '../src/qwen-image-edit/index.ts';
import { loadQwenVl, QwenVlPolicy, QwenVlTextEncoder } from '../src/qwen2-5-vl/index.ts';
import { difference, torchIsHere, useCpu, values } from './engine.ts';
import { writeModelFolder } from './qwen-image-folder.ts';
import { tinyFolder } from './qwen-vl-folder.ts';

if (await torchIsHere()) await useEngine({ engine: 'torch', threads: 2 });
else await useCpu();

const key = Key.of(17);
const VL_TARGETS = ['q_proj', 'k_proj', 'v_proj', 'o_proj'];

function picture(seed: number): Image {
  const stream = key.fold(seed).stream();
  return { width: 32, height: 32, data: Float32Array.from({ length: 32 * 32 * 3 }, () => stream.uniform()) };
}

/** Everything of a pipeline's folder, ready to plan and to edit, with an adapter on either module. */
function open(folder: string) {
  const [understanding, generation] = [loadQwenVl(folder), loadQwenImage(folder)];
  const sizes = { area: 32 ** 2, conditionArea: 32 ** 2 };
  const textEncoder = new QwenVlTextEncoder(understanding);
  return { understanding, generation, parts: { ...generation, textEncoder, sizes } };
}

type Opened = ReturnType<typeof open>;

const task: EditTask = { id: 'a', references: [picture(1)], instruction: 'make it snow', category: 'x' };
const condition = { references: task.references, text: 'make it snow' };

/** What both modules compute on a condition: the velocity depends on the text encoder too. */
function velocity({ parts }: Opened): tf.Tensor {
  const backbone = new QwenImageBackbone({ ...parts, trainable: new Map() });
  return tf.tidy(() => backbone.velocity(values([1, 2, 2, 16], 'noise'), 0.6, backbone.encode([condition])));
}

/** Three steps of AdamW; the first loss and the last. */
function train(adapter: LoraAdapter, objective: () => Objective): readonly [number, number] {
  const optimizer = AdamW.create({ parameters: adapter.parameters(), learningRate: 3e-3 });
  const losses = Array.from({ length: 3 }, () => {
    const result = gradients(objective, adapter.parameters());
    const loss = result.loss.dataSync()[0]!;
    optimizer.step(result.gradients);
    result.dispose();
    return loss;
  });
  return [losses[0]!, losses[2]!];
}

it('plans, edits and trains both modules of a folder, and adapters give the same merged and unmerged', async () => {
  const folder = writeModelFolder({ folder: tinyFolder({ layout: 'pipeline' }) });
  const opened = open(folder);
  const { understanding, generation, parts } = opened;
  const planner = LoraAdapter.attach(understanding.model, {
    rank: 2,
    alpha: 4,
    targets: VL_TARGETS,
    key,
  });
  const editor = LoraAdapter.attach(generation.transformer, {
    rank: 4,
    alpha: 8,
    targets: LORA_TARGETS,
    key,
  });

  const policy = new QwenVlPolicy({ ...understanding, trainable: planner.parameters(), maxTokens: 6 });
  const session = await policy.begin([task], 2);
  const plans = await session.plan({ sampling: { temperature: 1 }, keys: key.fold('plan').split(2) });
  session.dispose();
  const inner = new QwenImageBackbone({ ...parts, trainable: editor.parameters() });
  const backbone = withGuidance(inner, { scale: 4 });
  const codec = qwenImageCodec(generation.vae);
  const sampler = createEditSampler({ backbone, codec, schedule: generation.schedule(4), eta: 0.9 });
  const conditions = plans.map(() => condition);
  const edits = await sampler.sample(conditions, { keys: key.fold('edit').split(2), stochastic: [1] });
  const chains = plans.map((plan, index): Chain => ({ task, index, plan, first: edits[index]!, rounds: [] }));

  const transitions = prepareTransitions({ backbone, edits, steps: [1] });
  const sign = tf.tensor1d([1, -1]);
  const [before, after] = train(editor, () => ({
    loss: tf.neg(tf.mean(tf.mul(transitions.score()[0]!.logProb, sign))) as tf.Scalar,
  }));
  expect(after).toBeLessThan(before);
  const tokens = policy.prepare(chains, 1);
  const [start, end] = train(planner, () => ({
    loss: tf.neg(tf.mean(tokens.score().logProbs)) as tf.Scalar,
  }));
  expect(end).toBeLessThan(start);

  const trained = velocity(opened);
  await savePeftAdapter(join(folder, 'planner'), planner);
  await savePeftAdapter(join(folder, 'editor'), editor, { prefix: 'transformer.' });
  const again = open(folder);
  expect(difference(velocity(again), trained)).toBeGreaterThan(1e-3);
  const adapters = [
    await loadPeftAdapter(join(folder, 'planner'), again.understanding.model),
    await loadPeftAdapter(join(folder, 'editor'), again.generation.transformer),
  ];
  expect(difference(velocity(again), trained)).toBeLessThan(1e-4);
  for (const adapter of adapters) adapter.merge();
  expect(difference(velocity(again), trained)).toBeLessThan(1e-4);
});
