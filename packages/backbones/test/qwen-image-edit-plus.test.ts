import * as tf from '@tensorflow/tfjs-core';
import { guideVelocity, odeStep, sdeStep, transitionLogProb, transitionMean } from '@thinkrl/edit-generator';
import { useEngine } from '@thinkrl/engine';
import { loadParameters } from '@thinkrl/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import { qwenImageCodec } from '../src/qwen-image-edit/codec.ts';
import { QwenImageBackbone, type QwenImageConditioning } from '../src/qwen-image-edit/edit-backbone.ts';
import type { EditFeatures } from '../src/qwen-image-edit/features.ts';
import { packLatents } from '../src/qwen-image-edit/packing.ts';
import { parseScheduler } from '../src/qwen-image-edit/pipeline/scheduler.ts';
import { parseTransformerConfig } from '../src/qwen-image-edit/transformer/config.ts';
import { QwenImageTransformer } from '../src/qwen-image-edit/transformer/transformer.ts';
import { parseVaeConfig } from '../src/qwen-image-edit/vae/config.ts';
import { QwenImageVae } from '../src/qwen-image-edit/vae/vae.ts';
import { vaeTensors } from '../src/qwen-image-edit/vae/weights.ts';
import type { QwenVlProcessor } from '../src/qwen2-5-vl/processor.ts';
import { QwenVlTextEncoder } from '../src/qwen2-5-vl/text-encoder.ts';
import { engines } from './engine.ts';
import { deviation, openTensors, readConfig } from './fixture.ts';
import { hostTensors, gridsOf as tokenGrids, withoutNotes } from './qwen-image-fixture.ts';
import { referenceModel } from './qwen-vl-fixture.ts';

const REFERENCE = 'pipeline_edit_plus_tiny';
const config = readConfig<{
  readonly transformer: object;
  readonly img_shapes: [number, number, number][][];
  readonly drop_idx: number;
  readonly steps: number;
  readonly true_cfg_scale: number;
  readonly sde: { readonly noise_level: number; readonly window: readonly [number, number] };
}>(REFERENCE);
const inputs = openTensors(REFERENCE, 'inputs.safetensors');
const outputs = openTensors(REFERENCE, 'outputs.safetensors');
const { released_config: released } = readConfig<{ released_config: object }>('scheduler');
const grids = tokenGrids(config.img_shapes);
const { height, width } = grids[0]!;
const sigmas = parseScheduler(released)(config.steps)(height * width);

function vae(): QwenImageVae {
  const model = new QwenImageVae(parseVaeConfig(withoutNotes(readConfig('qwen_image_vae'))));
  const weights = hostTensors(openTensors('qwen_image_vae', 'model.safetensors'));
  loadParameters(model.parameters(), vaeTensors(weights));
  return model;
}

function transformer(): QwenImageTransformer {
  const model = new QwenImageTransformer(parseTransformerConfig(config.transformer));
  loadParameters(model.parameters(), hostTensors(openTensors(REFERENCE, 'transformer.safetensors')));
  return model;
}

/** States of the tiny VL model for the prompt of the fixtures, its system's turn left out. */
function promptStates(sign: 'positive' | 'negative'): tf.Tensor3D {
  const model = referenceModel();
  const values = [...inputs.values('image_grid_thw')];
  const seen = Array.from({ length: values.length / 3 }, (_, i) => ({
    frames: values[3 * i]!,
    rows: values[3 * i + 1]!,
    columns: values[3 * i + 2]!,
  }));
  const numbers = inputs.shape('pixel_values')[1]!;
  const patches = { data: inputs.values('pixel_values'), numbers, grids: seen };
  const ids = Int32Array.from(inputs.values(`${sign}_input_ids`));
  const encoder = new QwenVlTextEncoder({ model, processor: NOT_ASKED, dropped: config.drop_idx });
  return encoder.encode({ ids, patches });
}

/** Tokens and patches are those of the fixtures. */
const NOT_ASKED = {} as QwenVlProcessor;

const gap = (x: tf.Tensor, name: string) => deviation(x.dataSync(), outputs.values(name));

describe.each(await engines())('Edit-Plus from end to end on %s', (engine) => {
  let backbone: QwenImageBackbone;
  let autoencoder: QwenImageVae;
  let conditioning: Readonly<Record<'positive' | 'negative', QwenImageConditioning>>;
  beforeAll(async () => {
    await useEngine({ engine, threads: 2 });
    autoencoder = vae();
    const textEncoder = { read: () => 'positive' as const, encode: promptStates };
    backbone = new QwenImageBackbone({
      transformer: transformer(),
      vae: autoencoder,
      textEncoder,
      kind: 'edit-plus',
      trainable: new Map(),
    });
    const references = grids.slice(1).map((_, index) => {
      const pixels = tf.transpose(
        tf.squeeze<tf.Tensor4D>(inputs.tensor(`ref_image.${index}`), [2]),
        [0, 2, 3, 1],
      );
      const packed = packLatents(autoencoder.encode(pixels));
      return tf.reshape(packed, [1, -1, packed.shape[3]]) as tf.Tensor3D;
    });
    const features = (text: tf.Tensor3D): EditFeatures => ({
      text,
      references: tf.concat(references, 1),
      grids,
    });
    expect(gap(tf.concat(references, 1), 'image_latents')).toBeLessThan(1e-4);
    const [positive, negative] = (['positive', 'negative'] as const).map(promptStates);
    expect(gap(positive!, 'prompt_embeds')).toBeLessThan(1e-4);
    expect(gap(negative!, 'negative_prompt_embeds')).toBeLessThan(1e-4);
    conditioning = {
      positive: backbone.condition(() => [features(positive!)], [0]),
      negative: backbone.condition(() => [features(negative!)], [0]),
    };
  });

  const latents0 = () => {
    const packed = inputs.tensor('latents0');
    return tf.reshape(packed, [1, height, width, packed.shape[2]!]) as tf.Tensor4D;
  };
  const velocities = (x: tf.Tensor, sigma: number) => {
    const [positive, negative] = (['positive', 'negative'] as const).map((sign) =>
      backbone.velocity(x, sigma, conditioning[sign]),
    );
    const guided = guideVelocity(positive!, negative!, { scale: config.true_cfg_scale });
    return { positive: positive!, negative: negative!, guided };
  };

  /** Largest difference of a decoded picture from one of the fixtures `[1, 3, height, width]`. */
  const pictureGap = async (latents: tf.Tensor, name: string, change: (value: number) => number) => {
    const [image] = await qwenImageCodec(autoencoder).decode(latents);
    const rows = tf.tensor(image!.data.map(change), [image!.height, image!.width, 3]);
    return gap(tf.transpose(rows, [2, 0, 1]), name);
  };

  it('starts as the reference does', () => {
    expect(deviation(sigmas, outputs.values('sigmas'))).toBeLessThan(1e-6);
    const noise = tf.transpose(
      tf.squeeze<tf.Tensor4D>(inputs.tensor('noise_unpacked_b1chw'), [1]),
      [0, 2, 3, 1],
    );
    expect(deviation(packLatents(noise).dataSync(), inputs.values('latents0'))).toBe(0);
  });

  it('denoises by the ODE', async () => {
    let x: tf.Tensor = latents0();
    for (let step = 0; step < config.steps; step++) {
      const levels = { sigma: sigmas[step]!, next: sigmas[step + 1]! };
      const { positive, negative, guided } = velocities(x, levels.sigma);
      expect(gap(positive, `ode.step${step}.cond`)).toBeLessThan(1e-4);
      expect(gap(negative, `ode.step${step}.uncond`)).toBeLessThan(1e-4);
      expect(gap(guided, `ode.step${step}.guided`)).toBeLessThan(1e-4);
      x = transitionMean(odeStep(levels), x, guided);
      expect(gap(x, `ode.step${step}.latents`)).toBeLessThan(1e-4);
    }
    expect(await pictureGap(x, 'ode.image_01', (value) => value)).toBeLessThan(1e-4);
    expect(await pictureGap(x, 'ode.image_m11', (value) => 2 * value - 1)).toBeLessThan(1e-4);
  });

  it('rolls out by the SDE within its window', async () => {
    const { noise_level: eta, window } = config.sde;
    let x: tf.Tensor = latents0();
    for (let step = 0; step < config.steps; step++) {
      const levels = { sigma: sigmas[step]!, next: sigmas[step + 1]!, second: sigmas[1]! };
      const { guided } = velocities(x, levels.sigma);
      if (step >= window[0] && step < window[1]) {
        const move = sdeStep(levels, eta);
        const mean = transitionMean(move, x, guided);
        const noise = tf.reshape(inputs.tensor(`sde.noise${step}`), x.shape);
        x = tf.add(mean, tf.mul(noise, move.deviation));
        expect(gap(mean, `sde.step${step}.mean`)).toBeLessThan(1e-4);
        expect(Math.abs(move.std - outputs.values(`sde.step${step}.std`)[0]!)).toBeLessThan(1e-4);
        expect(gap(transitionLogProb(move, 'sde', { mean, to: x }), `sde.step${step}.log_prob`)).toBeLessThan(
          1e-4,
        );
      } else x = transitionMean(odeStep(levels), x, guided);
      expect(gap(x, `sde.step${step}.latents`)).toBeLessThan(1e-4);
    }
    expect(await pictureGap(x, 'sde.image_01', (value) => value)).toBeLessThan(1e-4);
  });
});
