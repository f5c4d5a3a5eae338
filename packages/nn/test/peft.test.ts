import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { Key } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import {
  AdapterError,
  encodeSafetensors,
  Linear,
  LoraAdapter,
  loadPeftAdapter,
  Module,
  ParameterMismatchError,
  type PeftPrefix,
  readSafetensors,
  type StoredTensor,
  savePeftAdapter,
} from '../src/index.ts';
import { difference, useCpu, values } from './engine.ts';

await useCpu();
const key = Key.of(9);
const folder = (name: string) => join(mkdtempSync(join(tmpdir(), 'nn-peft-')), name);

class Tower extends Module {
  readonly first = this.child('blocks.0.attn.to_q', new Linear({ inputs: 3, outputs: 4, key: key.fold(1) }));
  readonly second = this.child('blocks.1.net.2', new Linear({ inputs: 4, outputs: 2, key: key.fold(2) }));

  forward(x: tf.Tensor): tf.Tensor {
    return this.second.forward(tf.tanh(this.first.forward(x)));
  }
}

function trained(): { model: Tower; adapter: LoraAdapter } {
  const model = new Tower();
  const layers = new Map([
    ['blocks.0.attn.to_q', { rank: 2, alpha: 3 }],
    ['blocks.1.net.2', { rank: 1, alpha: 5 }],
  ]);
  const adapter = LoraAdapter.attachLayers(model, layers, key);
  for (const [name, variable] of adapter.parameters()) variable.assign(values(variable.shape, name));
  return { model, adapter };
}

const x = values([5, 3], 'x');
const pair: readonly (readonly [string, StoredTensor])[] = [
  ['A', { shape: [1, 3], data: Float32Array.of(1, 2, 3) }],
  ['B', { shape: [4, 1], data: Float32Array.of(4, 5, 6, 7) }],
];

/** A file with one adapted layer under names as others write them. */
function fileOf(names: Readonly<Record<string, StoredTensor>>, metadata = {}): string {
  const path = folder('adapter.safetensors');
  writeFileSync(path, encodeSafetensors(new Map(Object.entries(names)), metadata));
  return path;
}

describe('PEFT layout', () => {
  it.each<PeftPrefix>(['base_model.model.', 'transformer.'])('saves and loads under %s', async (prefix) => {
    const { model, adapter } = trained();
    const path = folder('adapter');
    await savePeftAdapter(path, adapter, { prefix, baseModel: 'some/model' });
    const other = new Tower();
    const loaded = await loadPeftAdapter(path, other);
    expect(loaded.layers).toEqual(adapter.layers);
    expect(difference(other.forward(x), model.forward(x))).toBe(0);
    loaded.merge();
    expect(difference(other.forward(x), model.forward(x))).toBeLessThan(1e-6);
    const alone = new Tower();
    await loadPeftAdapter(join(path, 'adapter_model.safetensors'), alone);
    const told = prefix === 'transformer.';
    expect(difference(alone.forward(x), model.forward(x)) < 1e-6).toBe(told);
  });

  it('writes the names and fields that PEFT and diffusers read', async () => {
    const path = folder('adapter');
    await savePeftAdapter(path, trained().adapter, { prefix: 'transformer.' });
    const { tensors, metadata } = await readSafetensors(join(path, 'adapter_model.safetensors'));
    expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual([
      ['transformer.blocks.0.attn.to_q.lora_A.weight', [2, 3]],
      ['transformer.blocks.0.attn.to_q.lora_B.weight', [4, 2]],
      ['transformer.blocks.1.net.2.lora_A.weight', [1, 4]],
      ['transformer.blocks.1.net.2.lora_B.weight', [2, 1]],
    ]);
    const config = JSON.parse(readFileSync(join(path, 'adapter_config.json'), 'utf8'));
    expect(config).toMatchObject({
      peft_type: 'LORA',
      r: 2,
      lora_alpha: 3,
      rank_pattern: { 'blocks.1.net.2': 1 },
      alpha_pattern: { 'blocks.1.net.2': 5 },
      target_modules: ['blocks.0.attn.to_q', 'blocks.1.net.2'],
      bias: 'none',
    });
    expect(JSON.parse(metadata.lora_adapter_metadata!)).toMatchObject({
      'transformer.r': 2,
      'transformer.lora_alpha': 3,
    });
    expect(metadata.format).toBe('pt');
  });

  const [a, b] = [pair[0]![1], pair[1]![1]];
  const alpha: StoredTensor = { shape: [], data: Float32Array.of(4) };
  it.each<[string, Record<string, StoredTensor>, number]>([
    ['no prefix', { 'blocks.0.attn.to_q.lora_A.weight': a, 'blocks.0.attn.to_q.lora_B.weight': b }, 1],
    [
      'the name of an adapter inside',
      {
        'base_model.model.blocks.0.attn.to_q.lora_A.default.weight': a,
        'base_model.model.blocks.0.attn.to_q.lora_B.default.weight': b,
      },
      1,
    ],
    [
      'down, up and an alpha of its own',
      {
        'diffusion_model.blocks.0.attn.to_q.lora_down.weight': a,
        'diffusion_model.blocks.0.attn.to_q.lora_up.weight': b,
        'diffusion_model.blocks.0.attn.to_q.alpha': alpha,
      },
      4,
    ],
    [
      'underscores',
      {
        'lora_unet_blocks_0_attn_to_q.lora_down.weight': a,
        'lora_unet_blocks_0_attn_to_q.lora_up.weight': b,
        'lora_unet_blocks_0_attn_to_q.alpha': alpha,
      },
      4,
    ],
  ])('loads names with %s', async (_, names, scale) => {
    const model = new Tower();
    const before = model.first.weight.clone();
    (await loadPeftAdapter(fileOf(names), model)).merge();
    const added = tf.sub(model.first.weight, before);
    // B A by hand: row i is B_i (1, 2, 3).
    const expected = tf.mul(scale, tf.matMul(tf.tensor2d([[4], [5], [6], [7]]), tf.tensor2d([[1, 2, 3]])));
    expect(difference(added, expected)).toBeLessThan(1e-6);
  });

  it('takes alpha from the metadata where diffusers keeps it', async () => {
    const model = new Tower();
    const text = JSON.stringify({ 'transformer.r': 1, 'transformer.lora_alpha': 7 });
    const names = {
      'transformer.blocks.0.attn.to_q.lora_A.weight': a,
      'transformer.blocks.0.attn.to_q.lora_B.weight': b,
    };
    const adapter = await loadPeftAdapter(fileOf(names, { lora_adapter_metadata: text }), model);
    expect(adapter.layers.get('blocks.0.attn.to_q')).toEqual({ rank: 1, alpha: 7 });
  });

  it.each<[string, Record<string, StoredTensor>, RegExp]>([
    ['an unknown layer', { 'blocks.9.x.lora_A.weight': a, 'blocks.9.x.lora_B.weight': b }, /2 unexpected/],
    ['an unknown part', { 'blocks.0.attn.to_q.lora_magnitude_vector': a }, /1 unexpected/],
    ['half a pair', { 'blocks.0.attn.to_q.lora_A.weight': a }, /1 missing: blocks.0.attn.to_q.lora_B.weight/],
    [
      'shapes of another model',
      { 'blocks.1.net.2.lora_A.weight': a, 'blocks.1.net.2.lora_B.weight': b },
      /2 of another shape/,
    ],
  ])('refuses %s and leaves the model as it was', async (_, names, message) => {
    const model = new Tower();
    const before = tf.memory().numTensors;
    const attempt = loadPeftAdapter(fileOf(names), model);
    await expect(attempt).rejects.toThrow(ParameterMismatchError);
    await expect(attempt).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each<[string, unknown, RegExp]>([
    ['text', 'no', /not JSON/],
    ['a list', [], /not an object/],
    ['another method', { peft_type: 'LOHA' }, /LOHA/],
    ['DoRA', { use_dora: true }, /use_dora/],
    ['another scale', { use_rslora: true }, /use_rslora/],
    ['biases', { bias: 'all' }, /biases/],
    ['whole modules', { modules_to_save: ['norm'] }, /modules_to_save/],
    ['an alpha that is no number', { lora_alpha: 'x' }, /lora_alpha/],
    ['a pattern that is no number', { alpha_pattern: { q: null } }, /q is null/],
  ])('refuses a configuration with %s', async (_, config, message) => {
    const path = folder('adapter');
    await savePeftAdapter(path, trained().adapter);
    const text = typeof config === 'string' ? config : JSON.stringify(config);
    writeFileSync(join(path, 'adapter_config.json'), text);
    const attempt = loadPeftAdapter(path, new Tower());
    await expect(attempt).rejects.toThrow(AdapterError);
    await expect(attempt).rejects.toThrow(message);
  });
});
