import * as tf from '@tensorflow/tfjs-core';
import {
  type EditFeatures,
  LORA_TARGETS,
  QwenImageBackbone,
  type QwenImageConditioning,
  QwenImageTransformer,
  QwenImageVae,
  RELEASED_VAE,
} from '@thinkrl/backbones/qwen-image-edit';
import {
  createEditSampler,
  type EditBackbone,
  prepareTransitions,
  withGuidance,
} from '@thinkrl/edit-generator';
import type { ShardedModule } from '@thinkrl/fsdp-shard';
import { flowLoss } from '@thinkrl/grpo-core';
import { AdamW, clipGlobalNorm, gradients, LoraAdapter } from '@thinkrl/nn';
import { type Edit, type EditCondition, type Image, Key } from '@thinkrl/spec';
import type { Setup } from './exchange.ts';
import type { Inputs, Runs } from './ours.ts';
import { shardedLearner, shareAlone } from './sharded.ts';
import { RULE, type Sizes } from './sizes.ts';
import { setWeights } from './weights.ts';

const NOTHING: Image = { width: 0, height: 0, data: new Float32Array(0) };

/** Texts of the condition and of the one that guidance leads away from; their states are inputs. */
const TEXTS = { positive: 'text', negative: 'negative' } as const;

/** Key whose initial latent is the input `noise`. */
export const NOISE_KEY = Key.of(3);

/** The transformer with an adapter, and what is done with it. */
export async function imageCases(
  { sizes, storage, sharded = false }: Setup,
  { inputs, weights }: Inputs,
): Promise<Runs> {
  const { transformer: config, rank, alpha } = sizes;
  const transformer = new QwenImageTransformer(config);
  setWeights(transformer.parameters(), weights, storage);
  const adapter = LoraAdapter.attach(transformer, { rank, alpha, targets: LORA_TARGETS, key: Key.of(1) });
  setWeights(adapter.parameters(), weights, 'float32');
  const parts = sharded ? await shareAlone(transformer, adapter, storage) : null;
  const backbone = backboneOf(transformer, adapter);
  const encoded = encodedBackbone(backbone, sizes, inputs);
  const noise = tf.keep(inputs.tensor('noise', [1, ...encoded.latentShape(conditionOf('positive'))]));
  const kept = encoded.encode([conditionOf('positive')]);
  return {
    denoise: () => backbone.velocity(noise, sizes.sigmas[0]!, kept),
    sample: sampleCase(encoded, sizes),
    train: trainCase(encoded, { sizes, inputs, sharded: parts }),
  };
}

/** The backbone without a text encoder and with an empty autoencoder: what both would give is an input. */
function backboneOf(transformer: QwenImageTransformer, adapter: LoraAdapter): QwenImageBackbone {
  const channels = RELEASED_VAE.latentChannels;
  const vae = new QwenImageVae({
    ...RELEASED_VAE,
    mean: new Array<number>(channels).fill(0),
    deviation: new Array<number>(channels).fill(1),
  });
  const missing = (): never => {
    throw new Error('there is no text encoder here');
  };
  const textEncoder = { read: missing, encode: missing };
  const parts = { transformer, vae, textEncoder, kind: 'edit' as const };
  return new QwenImageBackbone({ ...parts, trainable: adapter.parameters() });
}

function conditionOf(sign: keyof typeof TEXTS): EditCondition {
  return { references: [NOTHING], text: TEXTS[sign] };
}

/** The backbone with features that are there already: embedded anew where conditions are encoded. */
function encodedBackbone(
  backbone: QwenImageBackbone,
  { grids, transformer, textTokens }: Sizes,
  inputs: Inputs['inputs'],
): EditBackbone<QwenImageConditioning> {
  const grid = grids.map(([height, width]) => ({ height, width }));
  const tokens = grids.slice(1).reduce((sum, [height, width]) => sum + height * width, 0);
  const references = tf.keep(inputs.tensor('references', [1, tokens, transformer.inChannels]) as tf.Tensor3D);
  const text = (name: string) =>
    tf.keep(inputs.tensor(name, [1, textTokens, transformer.textWidth]) as tf.Tensor3D);
  const features = new Map<string, EditFeatures>(
    Object.values(TEXTS).map((name) => [name, { text: text(name), references, grids: grid }]),
  );
  return {
    name: backbone.name,
    latentShape: () => [...grids[0]!, transformer.inChannels],
    encode: (conditions) => backbone.condition(() => conditions.map(({ text }) => features.get(text)!), [0]),
    velocity: (latents, sigma, conditioning) => backbone.velocity(latents, sigma, conditioning),
    parameters: () => backbone.parameters(),
  };
}

function guided(backbone: EditBackbone<QwenImageConditioning>, { guidance }: Sizes) {
  return withGuidance(backbone, { scale: guidance, negativeText: TEXTS.negative });
}

function sampleCase(backbone: EditBackbone<QwenImageConditioning>, sizes: Sizes): () => Promise<tf.Tensor> {
  const codec = { encode: () => tf.scalar(0), decode: async () => [NOTHING] };
  const schedule = () => sizes.sigmas;
  const sampler = createEditSampler({ backbone: guided(backbone, sizes), codec, schedule });
  return async () => {
    const [edit] = await sampler.sample([conditionOf('positive')], { keys: [NOISE_KEY], stochastic: false });
    return tf.tensor(edit!.trajectory.states.at(-1)!);
  };
}

/** Takes a step by the clipped gradients of a loss and gives one of them. */
export type Learner = (objective: () => { readonly loss: tf.Scalar }) => tf.Tensor | Promise<tf.Tensor>;

/** One step on the window's transitions, whose states are inputs; gives a clipped gradient. */
function trainCase(
  backbone: EditBackbone<QwenImageConditioning>,
  { sizes, inputs, sharded }: TrainCase,
): () => Promise<tf.Tensor> {
  const learn = sharded === null ? wholeLearner(backbone, sizes) : shardedLearner(sharded, sizes);
  const advantages = tf.keep(tf.tensor1d([sizes.advantage]));
  const edits = [storedEdit(backbone, sizes, inputs)];
  const steps = sizes.window.map(({ index }) => index);
  return async () => {
    const batch = prepareTransitions({ backbone: guided(backbone, sizes), edits, steps });
    const shown = await learn(() => {
      const losses = batch.score().map(({ logProb }) => flowLoss({ logProb, advantages }));
      return { loss: tf.div(tf.addN<tf.Scalar>(losses), steps.length) as tf.Scalar };
    });
    batch.dispose();
    return shown;
  };
}

interface TrainCase {
  readonly sizes: Sizes;
  readonly inputs: Inputs['inputs'];
  /** Null where the transformer is whole. */
  readonly sharded: ShardedModule | null;
}

function wholeLearner(backbone: EditBackbone, { learningRate, shown }: Sizes): Learner {
  const parameters = backbone.parameters();
  const optimizer = AdamW.create({ parameters, learningRate, weightDecay: 1e-4 });
  return (objective) => {
    const result = gradients(objective, parameters);
    const names = [...result.gradients.keys()];
    const { norm, tensors } = clipGlobalNorm([...result.gradients.values()], 1);
    optimizer.step(new Map(names.map((name, i) => [name, tensors[i]!])));
    const one = tf.clone(tensors[names.indexOf(shown)]!);
    tf.dispose([norm, ...tensors]);
    result.dispose();
    return one;
  };
}

/** An edit as the sampler would have left it; the noise levels outside of the window have no states of their own. */
function storedEdit(backbone: EditBackbone, sizes: Sizes, inputs: Inputs['inputs']): Edit {
  const { sigmas, window } = sizes;
  const first = window[0]!.index;
  const states = sigmas.map((_, level) =>
    inputs.values(`state${Math.min(Math.max(level - first, 0), window.length)}`),
  );
  const condition = conditionOf('positive');
  const stochastic = window.map(({ index }) => index);
  const trajectory = { sigmas, shape: backbone.latentShape(condition), states, stochastic, transition: RULE };
  return { condition, image: NOTHING, trajectory: { ...trajectory, logProbs: stochastic.map(() => 0) } };
}
