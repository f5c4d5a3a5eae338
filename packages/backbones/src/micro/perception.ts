import type * as tf from '@tensorflow/tfjs-core';
import { GRID, SPOILT_LABEL } from '@thinkrl/microworld';
import { gelu, Linear, Module } from '@thinkrl/nn';
import type { Key } from '@thinkrl/spec';

/** Classes of a cell: every template, and a spoilt cell. */
export const PERCEPTION_CLASSES: number = SPOILT_LABEL + 1;

const WIDTH = 160;

/**
 * A small network that sees what is in each cell of a picture by learning, where `readPicture` of microworld knows: two
 * hidden layers on the numbers of one cell. 65 thousand parameters.
 */
export class Perception extends Module {
  readonly first: Linear;
  readonly second: Linear;
  readonly head: Linear;

  constructor(key: Key) {
    super();
    const linear = (name: string, inputs: number, outputs: number) =>
      this.child(name, new Linear({ inputs, outputs, key: key.fold(name) }));
    this.first = linear('first', GRID.cellNumbers, WIDTH);
    this.second = linear('second', WIDTH, WIDTH);
    this.head = linear('head', WIDTH, PERCEPTION_CLASSES);
  }

  /** Logits of what is in each cell of pictures `[rows, 16, 192]`: `[rows, 16, 54]`. */
  forward(cells: tf.Tensor3D): tf.Tensor3D {
    return this.head.forward(gelu(this.second.forward(gelu(this.first.forward(cells)))));
  }
}
