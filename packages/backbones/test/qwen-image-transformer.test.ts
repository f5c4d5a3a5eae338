import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { gradients, layerNorm, linear, loadPeftAdapter, silu } from '@thinkrl/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import { Modulation } from '../src/qwen-image-edit/transformer/modulation.ts';
import { timeFeatures } from '../src/qwen-image-edit/transformer/timestep.ts';
import type { QwenImageTransformer } from '../src/qwen-image-edit/transformer/transformer.ts';
import { checkpointedUnits, type RunUnit } from '../src/qwen-image-edit/transformer/unit.ts';
import { engines } from './engine.ts';
import { deviation, openTensors, readConfig, referencePath } from './fixture.ts';
import { gap, gridsOf, type Reference, referenceTransformer, share } from './qwen-image-fixture.ts';

interface Config {
  readonly cases: Record<
    string,
    {
      readonly img_shapes: [number, number, number][][];
      /** Whose inputs it has, as `name.*`; its own unless given. */
      readonly inputs?: string;
      readonly mask?: string | null;
      readonly zero_cond_t?: boolean;
      readonly lora_alpha?: number;
    }
  >;
  readonly params_without_grad_in_edit: readonly string[];
  readonly lora_params_without_grad: readonly string[];
}

const REFERENCE = 'qwen_image_transformer';
const config = readConfig<Config>(REFERENCE);
const inputs = openTensors(REFERENCE, 'inputs.safetensors');
const outputs = openTensors(REFERENCE, 'outputs.safetensors');
const grads = openTensors(REFERENCE, 'grads.safetensors');
const loraGrads = openTensors(REFERENCE, 'lora_grads.safetensors');

interface Run {
  readonly hidden?: tf.Tensor3D;
  readonly text?: tf.Tensor3D;
  readonly runUnit?: RunUnit;
  readonly trainModulation?: boolean;
}

/** Conditions of a case of the fixtures and its latents, cut into the noisy image and its references. */
function prepared(model: QwenImageTransformer, name: string, run: Run = {}) {
  const { img_shapes: shapes, inputs: whose = name, mask } = config.cases[name]!;
  const prefix = whose.replace('.*', '');
  const grids = gridsOf(shapes);
  const hidden = run.hidden ?? (inputs.tensor(`${prefix}.hidden_states`) as tf.Tensor3D);
  const text = run.text ?? (inputs.tensor(`${prefix}.encoder_hidden_states`) as tf.Tensor3D);
  const noisy = grids[0]!.height * grids[0]!.width;
  const condition = model.condition({
    text,
    textMask: mask == null ? undefined : (tf.cast(inputs.tensor(mask), 'bool') as tf.Tensor2D),
    references: hidden.shape[1] === noisy ? undefined : tf.slice(hidden, [0, noisy, 0]),
    grids,
  });
  const levels = [...inputs.values(`${prefix}.timestep`)];
  const vectors = model.levelVectors(levels);
  const latents = tf.slice(hidden, [0, 0, 0], [-1, noisy, -1]);
  return {
    latents,
    condition,
    vectors,
    noisy,
    keep: hidden.shape[1],
    counts: [text.shape[1], hidden.shape[1]],
  };
}

/** The model's answer to a case of the fixtures, for all image tokens. */
function answer(model: QwenImageTransformer, name: string, run: Run = {}): tf.Tensor3D {
  const { latents, condition, vectors, keep } = prepared(model, name, run);
  return model.predict(latents, condition, { vectors, keep, ...run });
}

/** Whether nothing flows: computed again, a parameter that is not used has a gradient of zeros. */
function isNothing(gradient: tf.Tensor | undefined): boolean {
  return gradient === undefined || gradient.dataSync().every((value) => value === 0);
}

function isZero(reference: Reference, name: string): boolean {
  return reference.values(name).every((value) => value === 0);
}

function loss(out: tf.Tensor): tf.Scalar {
  return tf.sum(tf.mul(out, inputs.tensor('edit.grad_seed'))) as tf.Scalar;
}

describe.each(await engines())('Qwen-Image transformer on %s', (engine) => {
  let model: QwenImageTransformer;
  beforeAll(async () => {
    await useEngine({ engine, threads: 2 });
    model = referenceTransformer();
  });

  const plain = Object.entries(config.cases).filter(
    ([, { zero_cond_t, lora_alpha }]) => !(zero_cond_t || lora_alpha),
  );
  it.each(plain.map(([name]) => name))('%s', (name) => {
    expect(gap(answer(model, name), outputs, `${name}.out`)).toBeLessThan(1e-4);
  });

  it('modulates references as free of noise with zero_cond_t', () => {
    const later = referenceTransformer({ zero_cond_t: true });
    expect(gap(answer(later, 'edit_zero_cond_t'), outputs, 'edit_zero_cond_t.out')).toBeLessThan(1e-4);
    const level = [...inputs.values('edit.timestep')];
    expect(gap(later.embedLevels(level), outputs, 'edit_zero_cond_t.temb')).toBeLessThan(1e-4);
    const { noisy, references } = later.levelVectors(level).blocks[0]!;
    expect(gap(tf.stack([noisy, references]), outputs, 'edit_zero_cond_t.block0.img_mod')).toBeLessThan(1e-4);
    const { latents, condition, vectors, counts } = prepared(later, 'edit_zero_cond_t');
    const tokens = tf.concat([condition.text, later.imageIn.forward(latents), condition.references!], 1);
    const block = { counts: condition.counts, tables: condition.tables, vectors: vectors.blocks[0]! };
    const after = later.blocks[0]!.forward(tokens as tf.Tensor3D, block);
    const [text, image] = tf.split(after, counts, 1);
    expect(gap(text!, outputs, 'edit_zero_cond_t.block0.txt')).toBeLessThan(1e-4);
    expect(gap(image!, outputs, 'edit_zero_cond_t.block0.img')).toBeLessThan(1e-4);
  });

  it('has the reference at every station', () => {
    const close = (x: tf.Tensor, name: string) =>
      expect(gap(x, outputs, `edit.${name}`), name).toBeLessThan(1e-4);
    const { condition, vectors, latents, keep, counts: lengths } = prepared(model, 'edit');
    const level = inputs.values('edit.timestep')[0]!;
    expect(deviation(timeFeatures([level]), outputs.values('edit.time_proj'))).toBeLessThan(2e-4);
    close(model.embedLevels([level]), 'temb');
    close(model.textNorm.forward(inputs.tensor('edit.encoder_hidden_states')), 'txt_norm');
    close(condition.text, 'txt_in');
    const image = tf.concat([model.imageIn.forward(latents), condition.references!], 1) as tf.Tensor3D;
    close(image, 'img_in');
    const [first] = model.blocks;
    close(vectors.blocks[0]!.noisy, 'block0.img_mod');
    close(vectors.blocks[0]!.text, 'block0.txt_mod');
    close(layerNorm(image, {}, 1e-6), 'block0.img_norm1');
    const modulation = (vector: tf.Tensor, tokens: number) => new Modulation([{ tokens, vectors: vector }]);
    const imageModulation = modulation(vectors.blocks[0]!.noisy, lengths[1]!);
    const textNormed = modulation(vectors.blocks[0]!.text, lengths[0]!).norm(condition.text, 'attention');
    close(first!.image.queries(imageModulation.norm(image, 'attention')), 'block0.attn.norm_q');
    close(first!.text.keys(textNormed), 'block0.attn.norm_added_k');
    const { counts, tables } = condition;
    const tokens = tf.concat([condition.text, image], 1) as tf.Tensor3D;
    const mixed = first!.attended(tokens, { counts, tables, vectors: vectors.blocks[0]! });
    close(mixed.image, 'block0.attn.img_out');
    close(mixed.text, 'block0.attn.txt_out');
    const attended = tf.add<tf.Tensor3D>(image, imageModulation.gate(mixed.image, 'attention'));
    close(first!.image.feedForward(imageModulation.norm(attended, 'feedForward')), 'block0.img_mlp');
    const inputOf = [tokens];
    model.blocks.forEach((block, index) => {
      const after = block.forward(inputOf[index]!, { counts, tables, vectors: vectors.blocks[index]! });
      const [textAfter, imageAfter] = tf.split(after, lengths, 1);
      close(textAfter!, `block${index}.txt`);
      close(imageAfter!, `block${index}.img`);
      inputOf.push(after);
    });
    const end = model.blocks.length - 1;
    const last = model.blocks[end]!.forwardLast(
      inputOf[end]!,
      { counts, tables, vectors: vectors.blocks[end]! },
      keep,
    );
    close(last, `block${end}.img`);
    const [scale, shift] = tf.split(vectors.output, 2, -1);
    close(layerNorm(last, { gain: tf.add(scale!, 1), bias: shift! }, 1e-6), 'norm_out');
    // The modulation of a level is that of SiLU of its embedding, by the plain formula.
    const { weight, bias } = first!.text.modulation;
    close(linear(silu(model.embedLevels([level])), weight, bias), 'block0.txt_mod');
  });

  it('gives the noisy tokens alone what it gives them among all', () => {
    const firstOf = (name: string, count: number) =>
      tf.slice(outputs.tensor(`${name}.out`), [0, 0, 0], [-1, count, -1]).dataSync();
    const { latents, condition, vectors, noisy } = prepared(model, 'edit');
    const found = model.predict(latents, condition, { vectors });
    expect(deviation(found.dataSync(), firstOf('edit', noisy))).toBeLessThan(1e-4);
    const later = referenceTransformer({ zero_cond_t: true });
    const cut = prepared(later, 'edit_zero_cond_t');
    const keep = noisy + 3;
    const some = later.predict(cut.latents, cut.condition, { vectors: cut.vectors, keep });
    expect(deviation(some.dataSync(), firstOf('edit_zero_cond_t', keep))).toBeLessThan(1e-4);
  });

  it.each([
    ['kept', false],
    ['computed again', true],
  ])('has the gradients of every parameter and input with blocks %s', (_, again) => {
    const hidden = tf.variable(inputs.tensor('edit.hidden_states')) as tf.Variable<tf.Rank.R3>;
    const text = tf.variable(inputs.tensor('edit.encoder_hidden_states')) as tf.Variable<tf.Rank.R3>;
    const parameters = new Map([
      ...model.parameters(),
      ['hidden_states', hidden] as const,
      ['encoder_hidden_states', text] as const,
    ]);
    const units = again ? { runUnit: checkpointedUnits(model.parameters()) } : {};
    const run = { hidden, text, trainModulation: true, ...units };
    const result = gradients(() => ({ loss: loss(answer(model, 'edit', run)) }), parameters);
    const silent = new Set(config.params_without_grad_in_edit);
    for (const name of parameters.keys()) {
      const gradient = result.gradients.get(name);
      const key = model.parameters().has(name) ? `edit.param.${name}` : `edit.${name}`;
      if (silent.has(name) || isZero(grads, key)) expect(isNothing(gradient), name).toBe(true);
      else expect(share(gradient!, grads, key), name).toBeLessThan(1e-4);
    }
    const checked = [...parameters.keys()].filter((name) => !silent.has(name)).length;
    // Levels are numbers of the host here, so that of the time step is left out.
    expect(checked).toBe(grads.names.filter((name) => name.startsWith('edit.')).length - 1);
    result.dispose();
  });

  it('has the gradients of the inputs with zero_cond_t', () => {
    const later = referenceTransformer({ zero_cond_t: true });
    const hidden = tf.variable(inputs.tensor('edit.hidden_states')) as tf.Variable<tf.Rank.R3>;
    const text = tf.variable(inputs.tensor('edit.encoder_hidden_states')) as tf.Variable<tf.Rank.R3>;
    const parameters = new Map([
      ['hidden_states', hidden],
      ['encoder_hidden_states', text],
    ]);
    const run = { hidden, text, runUnit: checkpointedUnits(new Map()) };
    const result = gradients(() => ({ loss: loss(answer(later, 'edit_zero_cond_t', run)) }), parameters);
    for (const [name, gradient] of result.gradients)
      expect(share(gradient, grads, `edit_zero_cond_t.${name}`), name).toBeLessThan(1e-4);
    expect(result.gradients.size).toBe(2);
  });

  describe('with LoRA', () => {
    it.each([
      ['kept', false],
      ['computed again', true],
    ])('has the output and the gradients of every adapter with blocks %s', async (_, again) => {
      const own = referenceTransformer();
      const path = referencePath(REFERENCE, 'lora.safetensors');
      const adapter = await loadPeftAdapter(path, own, { alpha: config.cases.edit_lora!.lora_alpha! });
      const parameters = adapter.parameters();
      const run = again ? { runUnit: checkpointedUnits(parameters) } : {};
      const result = gradients(() => {
        const out = answer(own, 'edit_lora', run);
        return { loss: loss(out), stats: { out } };
      }, parameters);
      expect(gap(result.stats.out, outputs, 'edit_lora.out')).toBeLessThan(1e-4);
      const silent = new Set(config.lora_params_without_grad);
      for (const name of parameters.keys()) {
        const key = `transformer.${name}`;
        const gradient = result.gradients.get(name);
        if (silent.has(key)) expect(isNothing(gradient), name).toBe(true);
        else if (isZero(loraGrads, key)) expect(isNothing(gradient), name).toBe(true);
        else expect(share(gradient!, loraGrads, key), name).toBeLessThan(1e-4);
      }
      expect(
        gap(
          adapter.without(() => answer(own, 'edit')),
          outputs,
          'edit.out',
        ),
      ).toBeLessThan(1e-4);
      adapter.merge();
      expect(gap(answer(own, 'edit_lora'), outputs, 'edit_lora.out')).toBeLessThan(1e-4);
    });
  });
});
