import * as tf from '@tensorflow/tfjs-core';

/** A bool mask under construction: which target may attend to which source, row by row. Nothing may at the start. */
export class TokenMask {
  private readonly allowed: Uint8Array;
  private readonly targets: number;
  private readonly sources: number;
  private readonly rows: number;

  constructor(rows: number, targets: number, sources: number) {
    this.rows = rows;
    this.targets = targets;
    this.sources = sources;
    this.allowed = new Uint8Array(rows * targets * sources);
  }

  /** Lets a target of a row attend to `count` sources from `first` on. */
  allow(row: number, target: number, [first, count]: readonly [first: number, count: number]): void {
    const start = (row * this.targets + target) * this.sources + first;
    this.allowed.fill(1, start, start + count);
  }

  /** `[rows, 1, targets, sources]`. */
  tensor(): tf.Tensor4D {
    return tf.tensor4d(this.allowed, [this.rows, 1, this.targets, this.sources], 'bool');
  }
}

/**
 * Mask of texts of different lengths between `before` and `after` tokens that all hold something:
 * `[rows, 1, 1, before + longest + after]`. An empty text keeps one slot. Undefined when every row is full, since then
 * all may attend to all.
 */
export function paddingMask(
  { lengths, length }: { readonly lengths: readonly number[]; readonly length: number },
  { before = 0, after = 0 }: { readonly before?: number; readonly after?: number } = {},
): tf.Tensor4D | undefined {
  if (lengths.every((words) => words === length)) return undefined;
  const mask = new TokenMask(lengths.length, 1, before + length + after);
  lengths.forEach((words, row) => {
    mask.allow(row, 0, [0, before + Math.max(1, words)]);
    mask.allow(row, 0, [before + length, after]);
  });
  return mask.tensor();
}

/** How many tokens of each kind stand after the prompt, in the order edited picture, plan, reflection. */
export interface ChainSlots {
  readonly prompt: number;
  readonly picture: number;
  readonly plan: number;
  readonly reflection: number;
}

/** How much of the slots a row uses. */
export interface ChainLengths {
  readonly prompt: number;
  readonly plan: number;
}

/**
 * Who sees whom after the prompt: plan words see the prompt and the plan up to themselves; the edited picture sees the
 * prompt, the plan and itself whole; reflection words see all of that and the reflection up to themselves.
 * `[rows, 1, picture + plan + reflection, prompt + picture + plan + reflection]`.
 */
export function chainMask(slots: ChainSlots, rows: readonly ChainLengths[]): tf.Tensor4D {
  const targets = slots.picture + slots.plan + slots.reflection;
  const mask = new TokenMask(rows.length, targets, slots.prompt + targets);
  const planAt = slots.prompt + slots.picture;
  const reflectionAt = planAt + slots.plan;
  rows.forEach((lengths, row) => {
    for (let target = 0; target < targets; target++) {
      const word = target - slots.picture;
      const inPlan = word >= 0 && word < slots.plan;
      mask.allow(row, target, [0, lengths.prompt]);
      mask.allow(row, target, [planAt, inPlan ? word + 1 : lengths.plan]);
      if (!inPlan) mask.allow(row, target, [slots.prompt, slots.picture]);
      if (word >= slots.plan) mask.allow(row, target, [reflectionAt, word - slots.plan + 1]);
    }
  });
  return mask.tensor();
}
