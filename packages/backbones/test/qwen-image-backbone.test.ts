import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { createEditSampler, prepareTransitions, withGuidance } from '@thinkrl/edit-generator';
import { useEngine } from '@thinkrl/engine';
import {
  AdamW,
  gradients,
  LoraAdapter,
  loadPeftAdapter,
  ParameterMismatchError,
  readSafetensors,
  savePeftAdapter,
} from '@thinkrl/nn';
import { type EditCondition, type Image, Key } from '@thinkrl/spec';
import { beforeAll, describe, expect, it } from 'vitest';
import { qwenImageCodec } from '../src/qwen-image-edit/codec.ts';
import { QwenImageBackbone, type QwenImageBackboneOptions } from '../src/qwen-image-edit/edit-backbone.ts';
import { QwenImageFolderError, QwenImageInputError } from '../src/qwen-image-edit/error.ts';
import { loadQwenImage, type QwenImageModels } from '../src/qwen-image-edit/load.ts';
import { LORA_TARGETS } from '../src/qwen-image-edit/lora-targets.ts';
import { plainUnits } from '../src/qwen-image-edit/transformer/unit.ts';
import { difference, engines, useCpu, values } from './engine.ts';
import { ownSet } from './fixture.ts';
import { wordEncoder, writeModelFolder } from './qwen-image-folder.ts';

const key = Key.of(3);

function picture(seed: number, width = 32, height = 32): Image {
  const stream = key.fold(seed).stream();
  return { width, height, data: Float32Array.from({ length: width * height * 3 }, () => stream.uniform()) };
}

const reference = picture(1);
const conditions: readonly EditCondition[] = ['make it snow', 'a hat', 'make it snow'].map((text) => ({
  references: [reference],
  text,
}));
const sizes = { area: 32 ** 2, conditionArea: 32 ** 2 };

/** A backbone on a folder; text comes from the encoder of the tests. */
function backboneOf(
  models: QwenImageModels,
  change: Partial<QwenImageBackboneOptions> = {},
): QwenImageBackbone {
  return new QwenImageBackbone({ ...models, textEncoder: wordEncoder, sizes, ...change });
}

describe.each(await engines())('Qwen-Image-Edit backbone on %s', (engine) => {
  let folder: string;
  let models: QwenImageModels;
  beforeAll(async () => {
    await useEngine({ engine, threads: 2 });
    folder = writeModelFolder();
    models = loadQwenImage(folder);
  });

  it('gives each edit of a batch what it gives that edit alone, and encodes equal conditions once', () => {
    let encoded = 0;
    const textEncoder = {
      ...wordEncoder,
      read: (prompt: string, images: readonly Image[]) => {
        encoded += 1;
        return wordEncoder.read(prompt, images);
      },
    };
    const backbone = backboneOf(models, { textEncoder, trainable: new Map() });
    const latents = values([3, 2, 2, 16], 'noise');
    tf.tidy(() => {
      const together = backbone.velocity(latents, 0.6, backbone.encode(conditions));
      expect(encoded).toBe(2);
      conditions.forEach((condition, i) => {
        const one = tf.slice(latents, [i], [1]);
        const alone = backbone.velocity(one, 0.6, backbone.encode([condition]));
        expect(difference(tf.slice(together, [i], [1]), alone)).toBeLessThan(1e-4);
      });
    });
    backbone.dispose();
  });

  it('computes the same with modulation made once, made anew, and blocks kept or computed again', () => {
    const latents = values([3, 2, 2, 16], 'noise');
    const before = tf.memory().numTensors;
    const frozen = backboneOf(models, { trainable: new Map() });
    const found = tf.tidy(() => {
      const run = (backbone: QwenImageBackbone) =>
        backbone.velocity(latents, 0.6, backbone.encode(conditions));
      const first = run(frozen);
      expect(difference(run(frozen), first)).toBe(0);
      expect(difference(run(backboneOf(models)), first)).toBeLessThan(1e-5);
      return [difference(run(backboneOf(models, { runUnit: plainUnits })), first)];
    });
    expect(found[0]).toBeLessThan(1e-5);
    frozen.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses trainable parameters that no block answers to', () => {
    const start = tf.variable(tf.zeros([1]));
    const named = (name: string) => () => backboneOf(models, { trainable: new Map([[name, start]]) });
    expect(named('blocks.0.attn.to_q.lora_A.weight')).toThrow(/trainable.*transformer_blocks.0/);
    expect(named('transformer_blocks.0.attn.to_q.lora_A.weight')).not.toThrow();
    expect(named('txt_norm.weight')).not.toThrow();
  });

  it('frees its conditioning', () => {
    const backbone = backboneOf(models, { trainable: new Map() });
    const before = tf.memory().numTensors;
    backbone.encode(conditions).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('rounds noise levels as a bfloat16 pipeline where it is told to', () => {
    tf.tidy(() => {
      const latents = values([1, 2, 2, 16], 'noise');
      const run = (sigma: number, roundLevels: boolean) => {
        const backbone = backboneOf(models, { trainable: new Map(), roundLevels });
        return backbone.velocity(latents, sigma, backbone.encode([conditions[0]!]));
      };
      expect(difference(run(0.93698, true), run(0.9375, false))).toBeLessThan(1e-6);
      expect(difference(run(0.93698, false), run(0.9375, false))).toBeGreaterThan(1e-6);
    });
  });

  it('has the gradient of its own parameters that central differences give', () => {
    const backbone = backboneOf(models);
    const latents = values([2, 2, 2, 16], 'noise');
    const weights = values([2, 2, 2, 16], 'weights');
    const total = () =>
      tf.sum(
        tf.mul(backbone.velocity(latents, 0.5, backbone.encode(conditions.slice(0, 2))), weights),
      ) as tf.Scalar;
    const names = [
      'txt_in.weight',
      'img_in.bias',
      'transformer_blocks.0.img_mod.1.weight',
      'norm_out.linear.bias',
    ];
    const chosen = new Map(names.map((name) => [name, backbone.parameters().get(name)!] as const));
    const result = gradients(() => ({ loss: total() }), chosen);
    for (const [name, variable] of chosen) {
      const gradient = result.gradients.get(name)!;
      const direction = tf.div(gradient, tf.norm(gradient));
      const start = variable.clone();
      const at = (step: number) => {
        variable.assign(tf.add(start, tf.mul(direction, step)));
        return tf.tidy(() => total().dataSync()[0]!);
      };
      const numeric = (at(1e-2) - at(-1e-2)) / 2e-2;
      variable.assign(start);
      expect(numeric / (tf.norm(gradient).dataSync()[0] as number), name).toBeCloseTo(1, 1);
    }
    result.dispose();
  });

  it('refuses pictures that do not fit each other or the pipeline', () => {
    const backbone = backboneOf(models, { trainable: new Map() });
    const wide = { references: [picture(2, 96, 32)], text: 'x' };
    expect(() => backbone.encode([conditions[0]!, wide])).toThrow(QwenImageInputError);
    expect(() => backbone.encode([])).toThrow(/no condition/);
    expect(() => backbone.latentShape({ references: [], text: 'x' })).toThrow(QwenImageInputError);
    expect(backbone.latentShape(conditions[0]!)).toEqual([2, 2, 16]);
  });

  it('loads, edits, trains, saves an adapter, and computes the same with it merged and unmerged', async () => {
    const own = loadQwenImage(folder);
    const adapter = LoraAdapter.attach(own.transformer, { rank: 4, alpha: 8, targets: LORA_TARGETS, key });
    const backbone = withGuidance(backboneOf(own, { trainable: adapter.parameters() }), { scale: 4 });
    const codec = qwenImageCodec(own.vae);
    const sampler = createEditSampler({ backbone, codec, schedule: own.schedule(4), eta: 0.9 });
    const options = { keys: key.split(3), stochastic: [0, 1] };
    const edits = await sampler.sample(conditions, options);
    expect(edits.map(({ image }) => [image.width, image.height])).toEqual(Array(3).fill([32, 32]));
    const optimizer = AdamW.create({ parameters: adapter.parameters(), learningRate: 3e-3 });
    const batch = prepareTransitions({ backbone, edits, steps: [0, 1] });
    const advantages = tf.tensor1d([1, -1, 0.5]);
    const losses: number[] = [];
    for (let step = 0; step < 3; step++) {
      const result = gradients(() => {
        const ratios = batch.score().map(({ logProb, step: at }) => {
          const old = tf.tensor1d(edits.map(({ trajectory }) => trajectory.logProbs[at]!));
          return tf.exp(tf.sub(logProb, old));
        });
        const loss = tf.neg(tf.mean(tf.mul(tf.stack(ratios), advantages))) as tf.Scalar;
        return { loss, stats: { ratios: tf.stack(ratios) } };
      }, adapter.parameters());
      if (step === 0) {
        const ratios = result.stats.ratios.dataSync();
        expect(Math.max(...ratios.map((ratio) => Math.abs(ratio - 1)))).toBeLessThan(1e-4);
      }
      losses.push(result.loss.dataSync()[0]!);
      optimizer.step(result.gradients);
      result.dispose();
    }
    expect(losses[2]).toBeLessThan(losses[0]!);

    const path = join(folder, `adapter-${engine}`);
    await savePeftAdapter(path, adapter, { prefix: 'transformer.' });
    const { tensors } = await readSafetensors(join(path, 'adapter_model.safetensors'));
    // Names as diffusers has them for a model of the same two blocks.
    const expected = ownSet.openTensors('qwen_image_transformer', 'lora.safetensors').names;
    expect([...tensors.keys()].sort()).toEqual([...expected].sort());

    const latents = values([3, 2, 2, 16], 'noise');
    const velocity = (models: QwenImageModels) =>
      tf.tidy(() => {
        const fresh = backboneOf(models, { trainable: new Map() });
        return fresh.velocity(latents, 0.6, fresh.encode(conditions));
      });
    const trained = velocity(own);
    const again = loadQwenImage(folder);
    const plain = velocity(again);
    const loaded = await loadPeftAdapter(path, again.transformer);
    expect(difference(velocity(again), trained)).toBeLessThan(1e-5);
    expect(difference(plain, trained)).toBeGreaterThan(1e-3);
    loaded.merge();
    expect(difference(velocity(again), trained)).toBeLessThan(1e-4);
    batch.dispose();
    again.dispose();
  });

  it('keeps halves as the files have them and computes near to float32', () => {
    const short = loadQwenImage(writeModelFolder({ dtype: 'BF16' }));
    const backbone = backboneOf(short, { trainable: new Map() });
    const exact = backboneOf(models, { trainable: new Map() });
    const latents = values([3, 2, 2, 16], 'noise');
    tf.tidy(() => {
      const [rough, fine] = [backbone, exact].map((one) =>
        one.velocity(latents, 0.5, one.encode(conditions)),
      );
      expect(difference(rough!, fine!)).toBeLessThan(0.1);
    });
    short.dispose();
  });
});

describe('model folders', () => {
  beforeAll(useCpu);

  it('of 2511 are modulated by zero_cond_t', () => {
    const later = loadQwenImage(writeModelFolder({ transformer: { zero_cond_t: true } }));
    expect(later.transformer.config.zeroCondT).toBe(true);
    const earlier = loadQwenImage(writeModelFolder());
    const latents = values([1, 2, 2, 16], 'noise');
    tf.tidy(() => {
      const [a, b] = [later, earlier].map((models) => {
        const backbone = backboneOf(models, { trainable: new Map() });
        return backbone.velocity(latents, 0.5, backbone.encode([conditions[0]!]));
      });
      expect(difference(a!, b!)).toBeGreaterThan(1e-3);
    });
  });

  it('say which pipeline they are of', () => {
    expect(loadQwenImage(writeModelFolder()).kind).toBe('edit-plus');
    expect(loadQwenImage(writeModelFolder({ pipeline: 'QwenImageEditPipeline' })).kind).toBe('edit');
  });

  it.each<[string, object, RegExp]>([
    ['a flag that is not known', { use_layer3d_rope: true }, /use_layer3d_rope.*change what is computed/],
    ['guidance embeddings', { guidance_embeds: true }, /guidance_embeds/],
    ['no size', { num_layers: null }, /num_layers/],
    ['a size that is no number', { num_attention_heads: 'x' }, /num_attention_heads/],
    ['axes that do not fill a head', { axes_dims_rope: [4, 6, 4] }, /axes_dims_rope/],
    ['zero_cond_t that is neither true nor false', { zero_cond_t: 1 }, /zero_cond_t/],
  ])('are refused with %s', (_, transformer, message) => {
    const attempt = () => loadQwenImage(writeModelFolder({ transformer }));
    expect(attempt).toThrow(QwenImageFolderError);
    expect(attempt).toThrow(message);
  });

  it('may carry flags that are switched off', () => {
    const folder = writeModelFolder({
      transformer: { use_layer3d_rope: false, use_additional_t_cond: null },
    });
    expect(loadQwenImage(folder).transformer.config.blocks).toBe(2);
  });

  it('are refused where they are incomplete, and nothing is left behind', () => {
    const more = writeModelFolder({ transformer: { num_layers: 3 } });
    const folder = writeModelFolder();
    const before = tf.memory().numTensors;
    expect(() => loadQwenImage(more)).toThrow(ParameterMismatchError);
    expect(() => loadQwenImage(more)).toThrow(/missing: transformer_blocks.2/);
    writeFileSync(join(folder, 'model_index.json'), '{"_class_name":"FluxPipeline"}');
    expect(() => loadQwenImage(folder)).toThrow(/FluxPipeline/);
    rmSync(join(folder, 'model_index.json'));
    expect(() => loadQwenImage(folder)).toThrow(/no such file/);
    expect(tf.memory().numTensors).toBe(before);
  });
});
