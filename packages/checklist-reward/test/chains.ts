import type { Chain, Edit, EditTask, Image, Reflection } from '@thinkrl/spec';

/** A one-pixel picture of one grey. */
export function grey(value: number): Image {
  return { width: 1, height: 1, data: new Float32Array(3).fill(value) };
}

/** A task with three questions: two expect yes, one no. */
export function task(id: string): EditTask {
  return {
    id,
    references: [grey(0)],
    instruction: 'brighten the picture',
    category: 'test',
    checklist: {
      source: 'test',
      questions: [
        { id: 'brighter', text: 'Is it brighter?', expected: 'yes' },
        { id: 'white', text: 'Is it white?', expected: 'yes' },
        { id: 'same', text: 'Is it as before?', expected: 'no' },
      ],
    },
  };
}

function edit(owner: EditTask, value: number): Edit {
  return {
    condition: { references: owner.references, text: '' },
    image: grey(value),
    trajectory: { sigmas: [1, 0], shape: [3], states: [], stochastic: [], logProbs: [] },
  };
}

function reflection(verdict: 'ok' | 'fix'): Reflection {
  return {
    text: verdict,
    tokens: new Int32Array(1),
    logProbs: new Float32Array(1),
    steps: [],
    wellFormed: true,
    verdict,
  };
}

/** A chain whose edits have the given greys; null is a round that ended in `ok`. */
export function chain(owner: EditTask, index: number, greys: readonly [number, ...(number | null)[]]): Chain {
  const [first, ...later] = greys;
  return {
    task: owner,
    index,
    plan: null,
    first: edit(owner, first),
    rounds: later.map((value) =>
      value === null
        ? { reflection: reflection('ok'), edit: null }
        : { reflection: reflection('fix'), edit: edit(owner, value) },
    ),
  };
}
