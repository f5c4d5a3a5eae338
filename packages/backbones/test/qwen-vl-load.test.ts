import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { ParameterMismatchError, SafetensorsError } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  loadQwenVl,
  type PositionRows,
  parseConfig,
  QwenVlFolderError,
  QwenVlPolicy,
  QwenVlTextEncoder,
} from '../src/qwen2-5-vl/index.ts';
import { engines } from './engine.ts';
import { ownSet } from './fixture.ts';
import { gap, IGNORED, patchesOfCase, REFERENCE } from './qwen-vl-fixture.ts';
import { tinyFolder } from './qwen-vl-folder.ts';

const inputs = ownSet.openTensors(REFERENCE, 'inputs.safetensors');
const outputs = ownSet.openTensors(REFERENCE, 'outputs.safetensors');

function logitsError(folder: string): number {
  const { model } = loadQwenVl(folder);
  const ids = Int32Array.from(inputs.values('lm_edit.input_ids'));
  const rows = { ids, rows: 1, tokens: ids.length, patches: patchesOfCase('lm_edit', inputs) };
  const axes = Int32Array.from(outputs.values('lm_edit.position_ids'));
  const positions: PositionRows = { axes, rows: 1, tokens: ids.length };
  const error = tf.tidy(() =>
    gap(model.logits(model.forward(rows, { positions })), 'lm_edit.logits', outputs),
  );
  model.dispose();
  return error;
}

describe.each(await engines())('loading on %s', (engine) => {
  beforeAll(() => useEngine({ engine, threads: 1 }));

  it.each([
    { names: 'old', layout: 'model' },
    { names: 'new', layout: 'model' },
    { names: 'old', layout: 'pipeline' },
  ] as const)('reads $names names in the folder of a $layout', (options) => {
    const before = tf.memory().numTensors;
    expect(logitsError(tinyFolder(options))).toBeLessThanOrEqual(1e-4);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('computes in the storage of the file', () => {
    const folder = tinyFolder({ dtype: 'BF16' });
    const error = logitsError(folder);
    // The reference moved by 0.1 when it ran in bfloat16; its logits have a deviation of 1.
    expect(error).toBeGreaterThan(1e-3);
    expect(error).toBeLessThan(0.2);
    const { model } = loadQwenVl(folder, { storage: 'float32' });
    expect(model.storage).toBe('float32');
    model.dispose();
  });

  it.runIf(engine === 'torch')('samples and scores in bfloat16 alike', async () => {
    const models = loadQwenVl(tinyFolder({ dtype: 'BF16' }));
    const policy = new QwenVlPolicy({ ...models, maxTokens: 4 });
    const image = { width: 16, height: 16, data: new Float32Array(768).fill(0.25) };
    const task = { id: 'a', references: [image], instruction: 'snow', category: 'x' };
    const session = await policy.begin([task], 2);
    const request = { sampling: { temperature: 1 }, keys: Key.of(1).split(2) };
    const plans = await session.plan(request);
    const reflections = await session.reflect([0, 1], [image, image], request);
    session.dispose();
    const trajectory = { sigmas: [], shape: [], states: [], stochastic: [], logProbs: [] };
    const first = { condition: { references: [image], text: '' }, image, trajectory };
    const chains = plans.map((plan, index) => {
      const rounds = [{ reflection: reflections[index]!, edit: null }];
      return { task, index, plan, first, rounds };
    });
    const { layout, score } = policy.prepare(chains, 1);
    const scored = tf.tidy(() => score().logProbs.dataSync());
    layout.mask.forEach((there, i) => {
      if (there === 1) expect(Math.abs(scored[i]! - layout.sampled[i]!)).toBeLessThan(0.1);
    });
    models.model.dispose();
  });

  it('says which weights are missing and which nobody asked for', () => {
    const before = tf.memory().numTensors;
    const folder = tinyFolder({
      change: (tensors) => {
        tensors.set('visual.extra', tensors.get('model.norm.weight')!);
        tensors.delete('model.norm.weight');
      },
    });
    let error: unknown;
    try {
      loadQwenVl(folder);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ParameterMismatchError);
    const { missing, unexpected } = (error as ParameterMismatchError).mismatch;
    expect(missing).toEqual(['model.language_model.norm.weight']);
    expect(unexpected).toEqual(['model.visual.extra']);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('encodes texts as the hidden states of the reference, without the first tokens', () => {
    const { model, processor } = loadQwenVl(tinyFolder());
    const encoder = new QwenVlTextEncoder({ model, processor, dropped: 6 });
    tf.tidy(() => {
      const ids = Int32Array.from(inputs.values('lm_edit.input_ids'));
      const states = encoder.encode({ ids, patches: patchesOfCase('lm_edit', inputs) });
      expect(gap(states, 'lm_edit.prompt_embeds_drop6', outputs)).toBeLessThanOrEqual(1e-4);
    });
    expect(
      encoder.read('<|image_pad|>snow', [{ width: 16, height: 8, data: new Float32Array(384) }]).ids.length,
    ).toBe(6);
    expect(() => encoder.encode(encoder.read('short'))).toThrow(/left out/);
    model.dispose();
  });
});

describe('a folder', () => {
  it('that lacks a part is refused by its name', () => {
    for (const name of ['tokenizer.json', 'config.json']) {
      const folder = tinyFolder();
      rmSync(join(folder, name));
      expect(() => loadQwenVl(folder)).toThrow(QwenVlFolderError);
    }
    const folder = tinyFolder();
    rmSync(join(folder, 'model-00002-of-00003.safetensors'));
    expect(() => loadQwenVl(folder)).toThrow(SafetensorsError);
    writeFileSync(join(folder, 'tokenizer_config.json'), '{}');
    expect(() => loadQwenVl(folder)).toThrow(/no chat template/);
  });

  it.each([
    { use_sliding_window: true },
    { hidden_act: 'gelu' },
    { new_flag: 3 },
    { model_type: 'qwen3_vl' },
    { rope_scaling: { type: 'yarn', mrope_section: [2, 3, 3] } },
    { rope_scaling: { type: 'mrope', mrope_section: [2, 3, 4] } },
    { num_hidden_layers: 0 },
    { vision_config: null },
    { layer_types: ['full_attention', 'sliding_attention'] },
    { rms_norm_eps: 0 },
  ])('of another architecture is refused by the name of the field: %o', (config) => {
    const attempt = () => loadQwenVl(tinyFolder({ config }));
    expect(attempt).toThrow(QwenVlFolderError);
    expect(attempt).toThrow(Object.keys(config)[0]);
  });

  it('may keep the fields of the language model under text_config, and unknown fields that are off or listed', () => {
    const flat = ownSet.readConfig<Record<string, unknown>>(REFERENCE);
    const { vision_config, model_type, image_token_id, video_token_id, ...text } = flat;
    const nested = { vision_config, model_type, image_token_id, video_token_id, text_config: text };
    const ignore = [...IGNORED, 'harmless'];
    expect(parseConfig({ ...nested, new_flag: false, harmless: 1 }, { ignore })).toEqual(
      parseConfig(flat, { ignore }),
    );
  });
});
