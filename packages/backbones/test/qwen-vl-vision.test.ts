import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { gradients } from '@thinkrl/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import type { QwenVl } from '../src/qwen2-5-vl/model.ts';
import { under } from '../src/qwen2-5-vl/names.ts';
import { engines } from './engine.ts';
import { deviation } from './fixture.ts';
import {
  gap,
  grads,
  gridsOf,
  inputs,
  outputs,
  patchesOfCase,
  referenceModel,
  share,
} from './qwen-vl-fixture.ts';

const CASES = ['vis_two_images', 'vis_one', 'vis_video_t2'];
const NAME = 'vis_two_images';

describe.each(await engines())('vision tower on %s', (engine) => {
  let model: QwenVl;
  beforeAll(async () => {
    await useEngine({ engine, threads: 1 });
    model = referenceModel();
  });

  describe.each(CASES)('%s', (name) => {
    it('is laid out as the reference', () => {
      const layout = model.visual.layout(gridsOf(name));
      const ends = (lengths: readonly number[]) => {
        let end = 0;
        return [0, ...lengths.map((length) => (end += length))];
      };
      expect([...layout.windowOrder]).toEqual([...outputs.values(`${name}.window_index`)]);
      expect(ends(layout.windowLengths)).toEqual([...outputs.values(`${name}.cu_window_seqlens`)]);
      expect(ends(layout.frameLengths)).toEqual([...outputs.values(`${name}.cu_seqlens`)]);
      const rotary = outputs.values(`${name}.rotary_pos_emb_before_window_reorder`);
      expect(deviation(layout.angles, rotary)).toBeLessThanOrEqual(1e-6);
    });

    it('gives the tokens of the reference', () => {
      const before = tf.memory().numTensors;
      tf.tidy(() => {
        expect(gap(model.pictures(patchesOfCase(name)), `${name}.image_embeds`)).toBeLessThanOrEqual(1e-4);
      });
      expect(tf.memory().numTensors).toBe(before);
    });

    it('has the gradient of the reference by the patches', () => {
      tf.tidy(() => {
        const layout = model.visual.layout(gridsOf(name));
        const seed = inputs.tensor(`${name}.grad_seed`);
        const loss = (x: tf.Tensor) =>
          tf.sum(tf.mul(model.visual.forward(x as tf.Tensor2D, layout), seed)) as tf.Scalar;
        const slope = tf.grad(loss)(inputs.tensor(`${name}.pixel_values`));
        expect(share(slope, `${name}.pixel_values`)).toBeLessThanOrEqual(1e-4);
      });
    });
  });

  it('passes through the intermediates of the reference', () => {
    tf.tidy(() => {
      const { visual } = model;
      const arrangement = visual.arrange(visual.layout(gridsOf(NAME)));
      const embedded = visual.embedding.forward(inputs.tensor(`${NAME}.pixel_values`) as tf.Tensor2D);
      expect(gap(embedded, `${NAME}.patch_embed`)).toBeLessThanOrEqual(1e-4);
      let x = tf.gather(embedded, arrangement.order);
      visual.blocks.forEach((block, i) => {
        const options = { rotary: arrangement.rotary, segments: visual.segmentsIn(i, arrangement) };
        if (i === 0) {
          const normed = block.norm1.forward(x);
          const mixed = block.attention.forward(normed, options);
          const inner = block.feedForward.forward(block.norm2.forward(tf.add(x, mixed)));
          expect(gap(normed, `${NAME}.block0.norm1`)).toBeLessThanOrEqual(1e-4);
          expect(gap(mixed, `${NAME}.block0.attn`)).toBeLessThanOrEqual(1e-4);
          expect(gap(inner, `${NAME}.block0.mlp`)).toBeLessThanOrEqual(1e-4);
        }
        x = block.forward(x, options);
        expect(gap(x, `${NAME}.block${i}`)).toBeLessThanOrEqual(1e-4);
      });
      expect(gap(visual.merger.forward(x), `${NAME}.merger_window_order`)).toBeLessThanOrEqual(1e-4);
    });
  });

  it.each(['kept', 'computed again'])(
    'has the gradients of the reference by its weights, blocks %s',
    (how) => {
      const parameters = under(model.parameters(), 'model.visual.');
      const patches = inputs.tensor(`${NAME}.pixel_values`) as tf.Tensor2D;
      const seed = inputs.tensor(`${NAME}.grad_seed`);
      const layout = model.visual.layout(gridsOf(NAME));
      const remember = how === 'kept' ? undefined : parameters;
      const result = gradients(
        () => ({ loss: tf.sum(tf.mul(model.visual.forward(patches, layout, remember), seed)) as tf.Scalar }),
        parameters,
      );
      const expected = grads.names.filter((name) => name.startsWith(`${NAME}.param.`));
      expect(expected.length).toBe(parameters.size);
      for (const name of expected) {
        const own = name.slice(`${NAME}.param.visual.`.length);
        expect(share(result.gradients.get(own)!, name), own).toBeLessThanOrEqual(1e-4);
      }
      result.dispose();
    },
  );
});
