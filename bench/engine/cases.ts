import * as tf from '@tensorflow/tfjs-core';
import { PLACES } from '@thinkrl/backbones/micro';
import { prepareTransitions, stackStates } from '@thinkrl/edit-generator';
import { AdamW, gradients, KeyValueCache, type ParameterMap, TransformerBlock } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import { wholeGroups } from '../micro/check.ts';
import { keptEdits, samplesForPeer } from '../micro/exchange.ts';
import type { MicroData } from './data.ts';

/** A piece of work that both sides do. */
export interface Case {
  readonly title: string;
  /** What the peer is asked to prepare. */
  readonly request: { readonly case: string; readonly size: object };
  /** Runs it once on this side. */
  run(): void | Promise<void>;
  dispose(): void;
}

/** Size of a transformer block's work. */
export interface BlockSize {
  readonly batch: number;
  readonly tokens: number;
  readonly width: number;
  readonly heads: number;
}

/** A transformer block, forward and backward by all its weights. */
export function blockCase(size: BlockSize): Case {
  const { batch, tokens, width, heads } = size;
  const block = new TransformerBlock({ size: width, heads, key: Key.of(1) });
  const x = tf.randomNormal<tf.Rank.R3>([batch, tokens, width]);
  return {
    title: `block ${batch} x ${tokens} x ${width}, forward and backward`,
    request: { case: 'block', size },
    run() {
      const loss = () => tf.mean<tf.Scalar>(tf.square(block.forward(x)));
      gradients(() => ({ loss: loss() }), block.parameters()).dispose();
    },
    dispose: () => tf.dispose([x, ...block.parameters().values()]),
  };
}

/** Likelihood of the texts of all chains: forward, backward, AdamW. */
export function understanderStep({ contender, chains }: MicroData): Case {
  const { policy } = contender.models;
  const batch = policy.prepare(chains, 1);
  const { layout } = batch;
  const mask = tf.tensor2d(layout.mask, [layout.chains, layout.tokens]);
  const loss = () => tf.neg(tf.mean(tf.mul(batch.score().logProbs, mask)) as tf.Scalar);
  return {
    title: `understanding: ${chains.length} chains, forward, backward, AdamW`,
    request: { case: 'understanderStep', size: {}, ...samplesForPeer(wholeGroups(chains)) },
    run: descent(policy.parameters(), loss),
    dispose: () => mask.dispose(),
  };
}

/** Likelihood of the stored denoising steps of all edits: forward, backward, AdamW. */
export function editorStep({ contender, chains }: MicroData): Case {
  const { backbone } = contender.models;
  const edits = keptEdits(wholeGroups(chains)).map(({ edit }) => edit);
  const batch = prepareTransitions({ backbone, edits, steps: edits[0]!.trajectory.stochastic });
  const loss = () => {
    const steps = batch.score().map(({ logProb }) => tf.mean<tf.Scalar>(logProb));
    return tf.neg(tf.div(tf.addN(steps), steps.length) as tf.Scalar);
  };
  return {
    title: `editor: ${edits.length} edits, forward, backward, AdamW`,
    request: { case: 'editorStep', size: {}, ...samplesForPeer(wholeGroups(chains)) },
    run: descent(backbone.parameters(), loss),
    dispose: () => batch.dispose(),
  };
}

/** One token for `batch` rows behind `held` tokens in the cache, up to its logits on the host. */
export function decodeCase({ contender }: MicroData, batch: number, held = 50): Case {
  const { model } = contender.models.policy;
  const { blocks: layers, heads, width } = model.size;
  const cache = new KeyValueCache({ layers, batch, capacity: held + 1, heads, size: width / heads });
  const mask = tf.ones<tf.Rank.R4>([batch, 1, 1, held + 1], 'bool');
  tf.tidy(() => {
    const x = tf.randomNormal<tf.Rank.R3>([batch, held, width]);
    model.absorb(x, cache, tf.ones([batch, 1, 1, held], 'bool'));
  });
  const words = new Int32Array(batch);
  return {
    title: `decode one token, batch ${batch}`,
    request: { case: 'decode', size: { batch, held } },
    async run() {
      const logits = tf.tidy(() => {
        const x = model.embedWords(tf.tensor2d(words, [batch, 1], 'int32'), PLACES.plan);
        return model.logits(model.continue(x, { mask, before: (i) => ({ cache: cache.layer(i, 1) }) }));
      });
      await logits.data();
      logits.dispose();
    },
    dispose() {
      cache.dispose();
      mask.dispose();
    },
  };
}

/** One velocity of all edits; text and reference were encoded before. */
export function denoiseCase({ contender, chains }: MicroData): Case {
  const { backbone } = contender.models;
  const edits = keptEdits(wholeGroups(chains)).map(({ edit }) => edit);
  const conditioning = backbone.encode(edits.map((edit) => edit.condition));
  const { sigmas, stochastic } = edits[0]!.trajectory;
  const step = stochastic[0]!;
  const latents = stackStates(edits, step);
  return {
    title: `one denoising step of ${edits.length} edits`,
    request: { case: 'denoise', size: {}, ...samplesForPeer(wholeGroups(chains)) },
    run: () => backbone.velocity(latents, sigmas[step]!, conditioning).dispose(),
    dispose() {
      conditioning.dispose();
      latents.dispose();
    },
  };
}

function descent(parameters: ParameterMap, loss: () => tf.Scalar): () => void {
  const settings = { learningRate: 1e-6, beta1: 0.9, beta2: 0.99, weightDecay: 0 };
  const optimizer = AdamW.create({ parameters, ...settings });
  return () => {
    const result = gradients(() => ({ loss: loss() }), parameters);
    optimizer.step(result.gradients);
    result.dispose();
  };
}
