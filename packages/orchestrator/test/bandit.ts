import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import {
  exp,
  gather,
  logSoftmax,
  mul,
  neg,
  reshape,
  sum,
  tensor2d,
  tidy,
  variable,
  zeros,
} from '@tensorflow/tfjs-core';
import {
  createChainSampler,
  fromReference,
  sampleToken,
  type TokenBatch,
  type TrainableReasoningPolicy,
} from '@thinkrl/cot-sampler';
import { fakeEditor } from '@thinkrl/cot-sampler/testing';
import type { Chain, EditTask, Image, JudgedChain, Key, Utterance } from '@thinkrl/spec';
import type { Reward } from '../src/index.ts';

/** Words of the bandit's language; word `i` paints a picture of brightness `i / 3`. */
const WORDS = ['black', 'dark', 'light', 'white'];
const picture: Image = { width: 1, height: 1, data: new Float32Array(3) };

export const task = (id: string): EditTask => ({
  id,
  references: [picture],
  instruction: 'black',
  category: 'paint',
});

/**
 * A policy whose plan is one word drawn from one row of trainable logits: a bandit in the clothes of a planner. `scale`
 * multiplies scored log-probabilities; NaN breaks the loss.
 */
export function banditPolicy(scale = 1): TrainableReasoningPolicy & { dispose(): void } {
  const logits = variable(zeros([WORDS.length]));
  const parameters = new Map([['logits', logits]]);
  return {
    name: 'bandit',
    parameters: () => parameters,
    dispose: () => logits.dispose(),
    async begin() {
      const row = (await logits.data()) as Float32Array;
      return {
        plan: async ({ keys, sampling }) =>
          keys.map((key) => utterance(sampleToken(row, sampling, key.stream()))),
        reflect: async () => [],
        dispose() {},
      };
    },
    prepare: (chains) => tokenBatch(chains, logits as Tensor1D, scale),
  };
}

function utterance({ token, logProb }: { token: number; logProb: number }): Utterance {
  const text = WORDS[token]!;
  return {
    text,
    tokens: Int32Array.of(token),
    logProbs: Float32Array.of(logProb),
    steps: [text],
    wellFormed: true,
  };
}

function tokenBatch(chains: readonly Chain[], logits: Tensor1D, scale: number): TokenBatch {
  const tokens = chains.map(({ plan }) => plan!.tokens[0]!);
  return {
    layout: {
      chains: chains.length,
      tokens: 1,
      stages: [0],
      mask: new Float32Array(chains.length).fill(1),
      sampled: Float32Array.from(chains, ({ plan }) => plan!.logProbs[0]!),
    },
    score: () =>
      tidy(() => {
        const logProbs = logSoftmax(logits);
        const entropy = neg(sum(mul(logProbs, exp(logProbs))));
        return {
          logProbs: reshape(mul(gather(logProbs, tokens), scale), [-1, 1]) as Tensor2D,
          entropies: mul(tensor2d(tokens.map(() => [1])), entropy) as Tensor2D,
        };
      }),
  };
}

/** Chains whose picture is as bright as their word says. */
export function banditSampler(policy: TrainableReasoningPolicy) {
  const editor = fakeEditor();
  return createChainSampler({
    policy,
    composer: fromReference,
    rounds: 0,
    editor: {
      async sample(conditions, options) {
        const edits = await editor.sample(conditions, options);
        return edits.map((edit) => ({ ...edit, image: bright(WORDS.indexOf(edit.condition.text) / 3) }));
      },
    },
  });
}

function bright(value: number): Image {
  return { width: 1, height: 1, data: new Float32Array(3).fill(value) };
}

/** The brighter the better. */
export const brightness: Reward<EditTask> = {
  dimensions: ['brightness'],
  async judge(chains: readonly Chain[], _key: Key): Promise<readonly JudgedChain[]> {
    return chains.map((chain) => {
      const value = chain.first.image.data[0]!;
      return { chain, stages: [{ rewards: [value], answers: [], oracle: { bright: value } }] };
    });
  },
};
