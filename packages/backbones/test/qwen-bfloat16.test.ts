import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { gradients, KeyValueCache, loadPeftAdapter, storeParameters } from '@thinkrl/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import type { QwenImageTransformer } from '../src/qwen-image-edit/transformer/transformer.ts';
import { checkpointedUnits, plainUnits } from '../src/qwen-image-edit/transformer/unit.ts';
import type { QwenVl } from '../src/qwen2-5-vl/model.ts';
import { positionRows, positionsOf } from '../src/qwen2-5-vl/positions.ts';
import { torchIsHere } from './engine.ts';
import { openTensors, readConfig, referencePath } from './fixture.ts';
import { gridsOf, type Reference, referenceTransformer } from './qwen-image-fixture.ts';
import {
  inputs as languageInputs,
  outputs as languageOutputs,
  patchesOfCase,
  gridsOf as patchGrids,
  referenceModel,
} from './qwen-vl-fixture.ts';

const REFERENCE = 'qwen_image_transformer';
const inputs = openTensors(REFERENCE, 'inputs.safetensors');
const outputs = openTensors(REFERENCE, 'outputs.safetensors');
const loraGrads = openTensors(REFERENCE, 'lora_grads.safetensors');
const { cases } = readConfig<{
  cases: Record<string, { img_shapes: [number, number, number][][]; lora_alpha?: number }>;
}>(REFERENCE);

/**
 * A bfloat16 has 8 bits, and every result is rounded to it: 2^-9 of itself at most, over some dozen results one after the
 * other. What is left of a wrong formula is far more.
 */
const TOLERANCE = 0.03;

/** Length of the difference from a tensor of the fixtures as a share of that tensor's length. */
function distance(x: tf.Tensor, reference: Reference, name: string): number {
  const wanted = reference.values(name);
  const squares = x.dataSync<'float32'>().reduce((sum, value, i) => sum + (value - wanted[i]!) ** 2, 0);
  return Math.sqrt(squares / wanted.reduce((sum, value) => sum + value ** 2, 0));
}

/** Whether values are stored as bfloat16, where 1 and 1 + 2^-9 are one number. */
function isShort(x: tf.Tensor): boolean {
  return tf.tidy(() => tf.add(tf.onesLike(x), tf.scalar(2 ** -9)).dataSync()[0] === 1);
}

describe.skipIf(!(await torchIsHere()))('weights in bfloat16, on the torch engine', () => {
  beforeAll(async () => {
    await useEngine({ engine: 'torch', threads: 2 });
  });

  describe('Qwen-Image transformer', () => {
    const answer = (model: QwenImageTransformer, runUnit = plainUnits): tf.Tensor => {
      const grids = gridsOf(cases.edit!.img_shapes);
      const hidden = inputs.tensor('edit.hidden_states') as tf.Tensor3D;
      const noisy = grids[0]!.height * grids[0]!.width;
      const text = inputs.tensor('edit.encoder_hidden_states') as tf.Tensor3D;
      const condition = model.condition({ text, references: tf.slice(hidden, [0, noisy, 0]), grids });
      expect(isShort(condition.text)).toBe(true);
      const vectors = model.levelVectors([...inputs.values('edit.timestep')]);
      const latents = tf.slice(hidden, [0, 0, 0], [-1, noisy, -1]);
      return model.predict(latents, condition, { vectors, keep: hidden.shape[1], runUnit });
    };

    it('gives the output of the reference', () => {
      const model = referenceTransformer();
      storeParameters(model.parameters(), 'bfloat16');
      const found = tf.tidy(() => distance(answer(model), outputs, 'edit.out'));
      expect(found).toBeLessThan(TOLERANCE);
      expect(found).toBeGreaterThan(1e-5);
      model.dispose();
    });

    it('has the gradients of adapters in float32', async () => {
      const model = referenceTransformer();
      storeParameters(model.parameters(), 'bfloat16');
      const adapter = await loadPeftAdapter(referencePath(REFERENCE, 'lora.safetensors'), model, {
        alpha: cases.edit_lora!.lora_alpha!,
      });
      const parameters = adapter.parameters();
      const seed = inputs.tensor('edit.grad_seed');
      const result = gradients(() => {
        const out = answer(model, checkpointedUnits(parameters));
        return { loss: tf.sum(tf.mul(out, seed)) as tf.Scalar, stats: { out } };
      }, parameters);
      expect(distance(result.stats.out, outputs, 'edit_lora.out')).toBeLessThan(TOLERANCE);
      let compared = 0;
      for (const [name, gradient] of result.gradients) {
        const key = `transformer.${name}`;
        if (!loraGrads.names.includes(key) || loraGrads.values(key).every((value) => value === 0)) continue;
        expect(isShort(gradient), name).toBe(false);
        expect(distance(gradient, loraGrads, key), name).toBeLessThan(2 * TOLERANCE);
        compared += 1;
      }
      expect(compared).toBeGreaterThan(20);
      result.dispose();
      adapter.dispose();
      model.dispose();
    });
  });

  describe('Qwen2.5-VL', () => {
    let model: QwenVl;
    const ids = Int32Array.from(languageInputs.values('lm_edit.input_ids'));
    beforeAll(() => {
      model = referenceModel();
      storeParameters(model.parameters(), 'bfloat16');
    });

    const laid = (text: Int32Array, from = 0) => {
      const { imageToken, vision } = model.config;
      const grids = text.length === 1 ? [] : patchGrids('lm_edit');
      const positions = positionsOf(text, { grids, imageToken, merge: vision.merge, from });
      const rows = positionRows([{ positions, row: 0, start: 0 }], { rows: 1, tokens: text.length });
      return { rows, next: positions.next };
    };

    it('sees pictures as the reference', () => {
      tf.tidy(() => {
        const tokens = model.pictures(patchesOfCase('vis_two_images'));
        expect(distance(tokens, languageOutputs, 'vis_two_images.image_embeds')).toBeLessThan(TOLERANCE);
      });
    });

    it('gives states and logits, the cache and the next logits of the reference', () => {
      const { layers, keyHeads: heads, headSize: size } = model.config.language;
      const shape = { layers, batch: 1, capacity: ids.length + 1, heads, size, storage: 'bfloat16' } as const;
      const cache = new KeyValueCache(shape);
      const prompt = laid(ids);
      tf.tidy(() => {
        const whole = { ids, rows: 1, tokens: ids.length, patches: patchesOfCase('lm_edit') };
        const hidden = model.forward(whole, { positions: prompt.rows, cache });
        expect(isShort(hidden)).toBe(true);
        expect(distance(hidden, languageOutputs, `lm_edit.hidden_states.${layers}`)).toBeLessThan(TOLERANCE);
        expect(distance(model.logits(hidden), languageOutputs, 'lm_edit.logits')).toBeLessThan(TOLERANCE);
        const { key } = cache.held(0);
        expect(
          distance(tf.transpose(key, [0, 2, 1, 3]), languageOutputs, 'kv.prefill_k.layer0'),
        ).toBeLessThan(TOLERANCE);
        const [token] = readConfig<{ kv_tokens: number[] }>('qwen2_5_vl').kv_tokens;
        const one = Int32Array.of(token!);
        const next = model.forward(
          { ids: one, rows: 1, tokens: 1 },
          { positions: laid(one, prompt.next).rows, cache },
        );
        expect(distance(model.logits(next), languageOutputs, 'kv.step0.logits')).toBeLessThan(TOLERANCE);
      });
      cache.dispose();
    });
  });
});
