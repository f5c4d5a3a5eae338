import type { EditTask, Reflection, Utterance } from '@thinkrl/spec';
import type { ReasoningPolicy } from '../policy.ts';

/** What a fake policy says, given the position of the chain in the batch. */
export interface FakePolicyOptions {
  readonly plan: (chain: number) => string;
  /** A reflection that starts with `ok` ends the chain; an empty one counts as not well formed. */
  readonly reflect: (chain: number) => string;
}

/** A policy that says what it is told to, one token per word, each with log-probability 0. */
export function fakePolicy<Task extends EditTask = EditTask>(
  options: FakePolicyOptions,
): ReasoningPolicy<Task> {
  return {
    name: 'fake',
    async begin(tasks, groupSize) {
      return {
        plan: async () =>
          Array.from({ length: tasks.length * groupSize }, (_, i) => utterance(options.plan(i))),
        reflect: async (chains) => chains.map((chain) => reflection(options.reflect(chain))),
        dispose() {},
      };
    },
  };
}

function utterance(text: string): Utterance {
  const words = text.split(' ').filter((word) => word !== '');
  return {
    text,
    tokens: Int32Array.from(words, (_, i) => i),
    logProbs: new Float32Array(words.length),
    steps: words.length > 0 ? [text] : [],
    wellFormed: words.length > 0,
  };
}

function reflection(text: string): Reflection {
  return { ...utterance(text), verdict: text.startsWith('ok') ? 'ok' : 'fix' };
}
