import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { encodeSafetensors, gradients, loadParameters, openSafetensors, parseSafetensors } from '@thinkrl/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import { packLatents, unpackLatents } from '../src/qwen-image-edit/packing.ts';
import { parseVaeConfig } from '../src/qwen-image-edit/vae/config.ts';
import { QwenImageVae } from '../src/qwen-image-edit/vae/vae.ts';
import { vaeTensors } from '../src/qwen-image-edit/vae/weights.ts';
import { engines } from './engine.ts';
import { deviation, openTensors, readConfig } from './fixture.ts';
import { hostTensors, withoutNotes } from './qwen-image-fixture.ts';

const REFERENCE = 'qwen_image_vae';
const inputs = openTensors(REFERENCE, 'inputs.safetensors');
const outputs = openTensors(REFERENCE, 'outputs.safetensors');
const grads = openTensors(REFERENCE, 'grads.safetensors');
const numerics = openTensors('pipeline', 'numerics.safetensors');

/** `[batch, channels, 1, height, width]` with the channels last. */
function channelsLast(x: tf.Tensor): tf.Tensor4D {
  return tf.transpose(tf.squeeze<tf.Tensor4D>(x, [2]), [0, 2, 3, 1]);
}

/** Largest difference from a tensor `[batch, channels, 1, height, width]` of the fixtures. */
function gap(x: tf.Tensor4D, name: string): number {
  return deviation(tf.transpose(x, [0, 3, 1, 2]).dataSync(), outputs.values(name));
}

/** The last temporal tap of a kernel of the fixtures. */
function lastTap(x: tf.Tensor): tf.Tensor {
  return x.rank === 5 ? tf.squeeze(tf.slice(x, [0, 0, x.shape[2]! - 1], [-1, -1, 1]), [2]) : x;
}

/** The latents that the fixtures hold packed, `[batch, rows, columns, features]`. */
function packedGrid(packed: tf.Tensor): tf.Tensor4D {
  const [, , , height, width] = inputs.shape('pixels');
  return tf.reshape(packed, [1, height! / 16, width! / 16, packed.shape[2]!]);
}

function vae(): QwenImageVae {
  const config = withoutNotes(readConfig(REFERENCE));
  const model = new QwenImageVae(parseVaeConfig(config));
  const weights = hostTensors(openTensors(REFERENCE, 'model.safetensors'));
  loadParameters(model.parameters(), vaeTensors(weights));
  return model;
}

/** All numbers of a model. */
function numbers(model: QwenImageVae): readonly number[] {
  return [...model.parameters().values()].flatMap((variable) => [...variable.dataSync()]);
}

describe.each(await engines())('Qwen-Image autoencoder on %s', (engine) => {
  let model: QwenImageVae;
  const pixels = () => channelsLast(inputs.tensor('pixels'));
  beforeAll(async () => {
    await useEngine({ engine, threads: 2 });
    model = vae();
  });

  it.each(['F32', 'BF16'] as const)('has the same weights from a file of %s as from memory', (dtype) => {
    const stored = [...hostTensors(openTensors(REFERENCE, 'model.safetensors'))].map(
      ([name, { shape, data }]) => [name, { shape, data, dtype }] as const,
    );
    const bytes = encodeSafetensors(new Map(stored));
    const path = join(mkdtempSync(join(tmpdir(), 'backbones-vae-')), 'model.safetensors');
    writeFileSync(path, bytes);
    const [inMemory, onDisk] = [parseSafetensors(bytes), openSafetensors(path)];
    const filled = [inMemory, onDisk].map(({ tensors }) => {
      const copy = new QwenImageVae(model.config);
      loadParameters(copy.parameters(), vaeTensors(tensors));
      return numbers(copy);
    });
    onDisk.close();
    expect(filled[1]).toEqual(filled[0]);
    if (dtype === 'F32') expect(filled[1]).toEqual(numbers(model));
  });

  it('encodes', () => {
    const moments = model.moments(pixels());
    expect(gap(moments, 'moments')).toBeLessThan(1e-4);
    const [mean, logVariance] = tf.split<tf.Tensor4D>(moments, 2, -1);
    expect(gap(mean!, 'mode')).toBeLessThan(1e-4);
    expect(gap(tf.clipByValue(logVariance!, -30, 20), 'logvar')).toBeLessThan(1e-4);
    const latents = model.encode(pixels());
    expect(gap(latents, 'normalized_latents')).toBeLessThan(1e-4);
    expect(deviation(packLatents(latents).dataSync(), outputs.values('packed_tokens'))).toBeLessThan(1e-4);
  });

  it('decodes', () => {
    const latents = unpackLatents(packedGrid(inputs.tensor('denoised_packed')));
    expect(gap(latents, 'unpacked')).toBe(0);
    const own = model.denormalize(latents);
    expect(gap(own, 'denormalized')).toBeLessThan(1e-5);
    expect(gap(model.decodeUnclipped(own), 'decoded_pre_clamp')).toBeLessThan(1e-4);
    expect(gap(model.decode(latents), 'decoded')).toBeLessThan(1e-4);
  });

  it('has the reference at every station', () => {
    const { encoder, decoder } = model;
    const close = (x: tf.Tensor4D, name: string) => expect(gap(x, `act.${name}`), name).toBeLessThan(1e-4);
    let x = encoder.input.forward(pixels());
    close(x, 'encoder.conv_in');
    encoder.downBlocks.forEach((block, index) => {
      x = block.forward(x);
      close(x, `encoder.down_blocks.${index}`);
    });
    const stations = outputs.names.filter((name) => /^act\.encoder\.down_blocks\.\d+$/.test(name));
    expect(encoder.downBlocks).toHaveLength(stations.length);
    x = encoder.middle.forward(x);
    close(x, 'encoder.mid_block');
    close(encoder.norm.forward(x), 'encoder.norm_out');
    close(encoder.forward(pixels()), 'encoder.conv_out');
    close(model.quantize.forward(encoder.forward(pixels())), 'quant_conv');
    const latents = channelsLast(outputs.tensor('denormalized'));
    let y = model.dequantize.forward(latents);
    close(y, 'post_quant_conv');
    y = decoder.input.forward(y);
    close(y, 'decoder.conv_in');
    const inner = decoder.middle.attention.forward(decoder.middle.first.forward(y));
    close(inner, 'decoder.mid_block.attentions.0');
    y = decoder.middle.forward(y);
    close(y, 'decoder.mid_block');
    decoder.upBlocks.forEach((block, index) => {
      y = block.forward(y);
      close(y, `decoder.up_blocks.${index}`);
    });
    close(decoder.norm.forward(y), 'decoder.norm_out');
    close(decoder.forward(model.dequantize.forward(latents)), 'decoder.conv_out');
  });

  it('does a batch as each of it', () => {
    const batch = channelsLast(inputs.tensor('batch.pixels'));
    const [mean] = tf.split<tf.Tensor4D>(model.moments(batch), 2, -1);
    expect(gap(mean!, 'batch.mode')).toBeLessThan(1e-4);
    const decoded = tf.clipByValue(model.decodeUnclipped(mean!), -1, 1);
    expect(gap(decoded, 'batch.decoded')).toBeLessThan(1e-4);
  });

  it('does tiles as the reference does, and the whole otherwise', () => {
    const picture = channelsLast(inputs.tensor('tiled.pixels'));
    const { tiling: given } = readConfig<{
      tiling: { tile_sample_min: number; tile_sample_stride: number };
    }>(REFERENCE);
    const tiling = { size: given.tile_sample_min, stride: given.tile_sample_stride };
    const [tiled] = tf.split<tf.Tensor4D>(model.moments(picture, tiling), 2, -1);
    const [whole] = tf.split<tf.Tensor4D>(model.moments(picture), 2, -1);
    expect(gap(tiled!, 'tiled.mode')).toBeLessThan(1e-4);
    expect(gap(whole!, 'untiled.mode')).toBeLessThan(1e-4);
    const latents = channelsLast(outputs.tensor('tiled.mode'));
    expect(gap(model.decodeUnclipped(latents, tiling), 'tiled.decoded')).toBeLessThan(1e-4);
  });

  it('has the gradients of inputs and parameters', () => {
    const seeds = (name: string) => channelsLast(inputs.tensor(name));
    const picture = tf.variable(pixels()) as tf.Variable<tf.Rank.R4>;
    const packed = tf.variable(inputs.tensor('denoised_packed'));
    const parameters = (direction: string, input: tf.Variable, name: string) => {
      const own = grads.names
        .filter((key) => key.startsWith(`${direction}.param.`))
        .map((key) => [key, model.parameters().get(key.replace(/^\w+\.param\./, ''))!] as const);
      return new Map([...own, [`${direction}.${name}`, input] as const]);
    };
    const encoding = parameters('encode', picture, 'pixels');
    const encoded = gradients(() => {
      const [mean] = tf.split<tf.Tensor4D>(model.moments(picture), 2, -1);
      return { loss: tf.sum(tf.mul(mean!, seeds('encode.grad_seed'))) as tf.Scalar };
    }, encoding);
    const decoding = parameters('decode', packed, 'denoised_packed');
    const decoded = gradients(() => {
      const latents = unpackLatents(packedGrid(packed));
      return { loss: tf.sum(tf.mul(model.decode(latents), seeds('decode.grad_seed'))) as tf.Scalar };
    }, decoding);
    for (const [key, gradient] of [...encoded.gradients, ...decoded.gradients]) {
      const reference = lastTap(grads.tensor(key));
      const expected = key === 'encode.pixels' ? channelsLast(grads.tensor(key)) : reference;
      const largest = tf.max(tf.abs(expected)).dataSync()[0]!;
      expect(deviation(gradient.dataSync(), expected.dataSync()) / largest, key).toBeLessThan(1e-4);
    }
    expect(encoding.size + decoding.size).toBe(grads.names.length);
  });

  it('packs as the pipeline does', () => {
    const latents = channelsLast(numerics.tensor('pack.latents'));
    expect(deviation(packLatents(latents).dataSync(), numerics.values('pack.packed'))).toBe(0);
    expect(deviation(unpackLatents(packLatents(latents)).dataSync(), latents.dataSync())).toBe(0);
  });
});
