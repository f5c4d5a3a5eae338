import * as tf from '@tensorflow/tfjs-core';
import { Editor, type EditorContext } from '@thinkrl/backbones/micro';
import { checkpoint, Module } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';

const WORDS = 6;
const NUMBERS = 16 * 192;

/** Seeded numbers in -1..1 that every process draws alike. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Part of a batch. */
export interface Rows {
  readonly from: number;
  readonly to: number;
  /** Rows of the batch. */
  readonly rows: number;
}

/** The micro editor with one method that computes its loss on a part of the batch. */
export class EditorStep extends Module {
  readonly editor: Editor;

  constructor({ width, blocks }: { readonly width: number; readonly blocks: number }) {
    super();
    this.editor = this.child('editor', new Editor(Key.of(11), { width, blocks, heads: 2 }));
  }

  /** Mean squared error of the predicted pictures of rows `from` to `to` of the `all` rows of a batch. */
  loss(step: number, { from, to, rows: all }: Rows): tf.Scalar {
    const rows = to - from;
    const part = (seed: number) => {
      const values = numbers(all * NUMBERS, seed + 7 * step).subarray(from * NUMBERS, to * NUMBERS);
      return tf.tensor3d(values, [rows, 16, 192]);
    };
    const ids = Int32Array.from(numbers(all * WORDS, 5 + step), (x) => 5 + Math.floor((x + 1) * 20));
    const texts = {
      ids: ids.subarray(from * WORDS, to * WORDS),
      rows,
      length: WORDS,
      lengths: Array.from({ length: rows }, () => WORDS),
    };
    const context = this.editor.encode(part(1), texts);
    const times = Array.from({ length: rows }, (_, i) => (from + i + 1) / (all + 1));
    return tf.losses.meanSquaredError(part(3), this.editor.predict(part(2), times, context)) as tf.Scalar;
  }
}

/** Makes every block of the editor run again for its gradient. */
export function checkpointBlocks({ blocks }: Editor): void {
  for (const block of blocks) {
    const forward = block.forward.bind(block);
    const again = (x: tf.Tensor3D, time: tf.Tensor, { text, mask }: BlockContext) =>
      checkpoint(
        (...[input, slope, key, value]) =>
          forward(input as tf.Tensor3D, slope!, {
            text: { key: key as tf.Tensor4D, value: value as tf.Tensor4D },
            mask,
          }),
        [...block.parameters().values()],
      )(x, time, text.key, text.value) as tf.Tensor3D;
    Object.defineProperty(block, 'forward', { value: again });
  }
}

type BlockContext = { readonly text: EditorContext['text'][number]; readonly mask: tf.Tensor4D | undefined };

/** The parts that are gathered one at a time. */
export function unitsOf({ textBlocks, blocks }: Editor) {
  return [
    ...textBlocks,
    ...blocks.map((block) => block.text),
    ...blocks.map((module) => ({ module, methods: ['forward'] })),
  ];
}
