import * as tf from '@tensorflow/tfjs-core';
import { Editor, type EditorContext } from '@thinkrl/backbones/micro';
import { checkpoint, LoraAdapter, Module } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import { type Rows, rowIds, rowNumbers } from './batch.ts';
import { type Plan, SMALL } from './plan.ts';
import { ADAPTER, type Subject } from './subject.ts';

const WORDS = 6;
const NUMBERS = 16 * 192;

/** The micro editor with one method that computes its loss on a part of the batch. */
class EditorStep extends Module {
  readonly editor: Editor;

  constructor({ width, blocks }: NonNullable<Plan['size']>) {
    super();
    this.editor = this.child('editor', new Editor(Key.of(11), { width, blocks, heads: 2 }));
  }

  /** Mean squared error of the predicted pictures. */
  loss(step: number, part: Rows): tf.Scalar {
    const { from, to, rows: all } = part;
    const rows = to - from;
    const pictures = (seed: number) =>
      tf.tensor3d(rowNumbers(part, NUMBERS, seed + 7 * step), [rows, 16, 192]);
    const texts = {
      ids: rowIds(part, WORDS, { seed: 5 + step, least: 5, count: 40 }),
      rows,
      length: WORDS,
      lengths: Array.from({ length: rows }, () => WORDS),
    };
    const context = this.editor.encode(pictures(1), texts);
    const times = Array.from({ length: rows }, (_, i) => (from + i + 1) / (all + 1));
    const predicted = this.editor.predict(pictures(2), times, context);
    return tf.losses.meanSquaredError(pictures(3), predicted) as tf.Scalar;
  }
}

/** The micro editor of a plan. */
export function microSubject({ size = SMALL, lora = false }: Plan): Subject {
  const model = new EditorStep(size);
  const targets = ['qkv', 'grounding', 'blocks.0.output'];
  const adapter = lora ? LoraAdapter.attach(model, { ...ADAPTER, targets, key: Key.of(12) }) : null;
  return {
    model,
    units: unitsOf(model.editor),
    parameters: new Map([...model.parameters(), ...(adapter?.parameters() ?? [])]),
    loss: (step, part) => model.loss(step, part),
    checkpoint: () => checkpointBlocks(model.editor, adapter?.parameters() ?? new Map()),
  };
}

/** Makes every block of the editor run again for its gradient. */
function checkpointBlocks({ blocks }: Editor, adapted: ReadonlyMap<string, tf.Variable>): void {
  for (const [index, block] of blocks.entries()) {
    const forward = block.forward.bind(block);
    const own = [...adapted].filter(([name]) => name.startsWith(`editor.blocks.${index}.`));
    const variables = [...block.parameters().values(), ...own.map(([, variable]) => variable)];
    const again = (x: tf.Tensor3D, time: tf.Tensor, { text, mask }: BlockContext) =>
      checkpoint(
        (...[input, slope, key, value]) =>
          forward(input as tf.Tensor3D, slope!, {
            text: { key: key as tf.Tensor4D, value: value as tf.Tensor4D },
            mask,
          }),
        variables,
      )(x, time, text.key, text.value) as tf.Tensor3D;
    Object.defineProperty(block, 'forward', { value: again });
  }
}

type BlockContext = { readonly text: EditorContext['text'][number]; readonly mask: tf.Tensor4D | undefined };

function unitsOf({ textBlocks, blocks }: Editor): Subject['units'] {
  return [
    ...textBlocks,
    ...blocks.map((block) => block.text),
    ...blocks.map((module) => ({ module, methods: ['forward'] })),
  ];
}
