import type { Editor } from '../chain-sampler.ts';

/** An editor that returns the first reference unchanged, with an empty trajectory. */
export function fakeEditor(): Editor {
  return {
    async sample(conditions) {
      return conditions.map((condition) => ({
        condition,
        image: condition.references[0]!,
        trajectory: { sigmas: [1, 0], shape: [0], states: [], stochastic: [], logProbs: [] },
      }));
    },
  };
}
