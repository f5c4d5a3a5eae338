import * as tf from '@tensorflow/tfjs-core';
import type { TokenBatch, TokenLayout, TrainableReasoningPolicy } from '@thinkrl/cot-sampler';
import type { Chain, EditTask, Group, Reflection, Utterance } from '@thinkrl/spec';
import { task } from './bandit.ts';

/** Logits of three words, whatever was said before: enough to have texts of any length and stage scored. */
export function talker(): TrainableReasoningPolicy & { logits(): Promise<Float32Array> } {
  const logits = tf.variable(tf.tensor1d([0.2, -0.1, 0.3]));
  const parameters = new Map([['logits', logits]]);
  return {
    name: 'talker',
    parameters: () => parameters,
    logits: async () => (await logits.data()) as Float32Array,
    begin: async () => ({ plan: async () => [], reflect: async () => [], dispose() {} }),
    prepare: (chains) => scored(chains, logits as tf.Tensor as tf.Tensor1D),
  };
}

const textsOf = ({ plan, rounds }: Chain) => [plan!, ...rounds.map(({ reflection }) => reflection)];

/** Stage by stage, as wide as its longest text among these chains. */
function scored(chains: readonly Chain[], logits: tf.Tensor1D): TokenBatch {
  const stages = [0, 1].flatMap((stage) => {
    const width = Math.max(0, ...chains.map((chain) => textsOf(chain)[stage]?.tokens.length ?? 0));
    return new Array<number>(width).fill(stage);
  });
  const slots = chains.flatMap((chain) =>
    stages.map((stage, i) => textsOf(chain)[stage]?.tokens[i - stages.indexOf(stage)]),
  );
  const layout: TokenLayout = {
    ...{ chains: chains.length, tokens: stages.length, stages },
    mask: Float32Array.from(slots, (token) => Number(token !== undefined)),
    sampled: new Float32Array(slots.length),
  };
  const shape: [number, number] = [layout.chains, layout.tokens];
  const ids = slots.map((token) => token ?? 0);
  return {
    layout,
    score: () =>
      tf.tidy(() => {
        const all = tf.logSoftmax(logits);
        const entropy = tf.neg(tf.sum(tf.mul(all, tf.exp(all))));
        const mask = tf.tensor2d(layout.mask, shape);
        const logProbs = tf.reshape(tf.gather(all, tf.tensor1d(ids, 'int32')), shape);
        return {
          logProbs: tf.mul<tf.Tensor2D>(logProbs, mask),
          entropies: tf.mul<tf.Tensor2D>(mask, entropy),
        };
      }),
  };
}

const utterance = (...tokens: readonly number[]): Utterance => ({
  ...{ text: tokens.join(' '), tokens: Int32Array.from(tokens), steps: [], wellFormed: true },
  logProbs: new Float32Array(tokens.length),
});

const first = {
  condition: { references: [], text: '' },
  image: task('').references[0]!,
  trajectory: { sigmas: [1, 0], shape: [0], states: [], stochastic: [], logProbs: [] },
};

/** A group whose chains said these texts: plan and, where there is one, a reflection that ends in `ok`. */
export function spokenGroup(
  id: string,
  spoken: readonly (readonly (readonly number[])[])[],
  advantages: readonly number[],
): Group<EditTask> {
  const members = spoken.map(([plan, reflection], index) => {
    const said: Reflection[] =
      reflection === undefined ? [] : [{ ...utterance(...reflection), verdict: 'ok' }];
    const rounds = said.map((one) => ({ reflection: one, edit: null }));
    const chain: Chain<EditTask> = { task: task(id), index, plan: utterance(...plan!), first, rounds };
    return { chain, stages: [] };
  });
  const kept = advantages.flatMap((advantage, i) => (advantage === 0 ? [] : [i]));
  const later = advantages.map((advantage) => -advantage / 2);
  return {
    task: members[0]!.chain.task,
    members,
    credit: [advantages, later].map((own) => ({ method: 'given', advantages: own, kept, degenerate: null })),
  };
}
