import * as tf from '@tensorflow/tfjs-core';
import { Editor } from '@thinkrl/backbones/micro';
import type { UnitOptions } from '@thinkrl/fsdp-shard';
import { Module } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import type { Settings } from './settings.ts';

/** The micro editor with the loss of a training step on made-up pictures. */
export class EditorStep extends Module {
  readonly editor: Editor;
  private readonly latents: tf.Tensor3D;
  private readonly references: tf.Tensor3D;
  private readonly target: tf.Tensor3D;
  private readonly texts: Parameters<Editor['encode']>[1];

  constructor({ width, blocks, rows }: Pick<Settings, 'width' | 'blocks' | 'rows'>) {
    super();
    this.editor = this.child('editor', new Editor(Key.of(1), { width, blocks, heads: 4 }));
    const pictures = () => tf.randomNormal([rows, 16, 192]) as tf.Tensor3D;
    [this.latents, this.references, this.target] = [pictures(), pictures(), pictures()];
    this.texts = {
      ids: Int32Array.from({ length: 8 * rows }, (_, i) => 5 + ((7 * i) % 35)),
      rows,
      length: 8,
      lengths: Array.from({ length: rows }, () => 8),
    };
  }

  /** What is gathered at a time. */
  get units(): readonly (Module | UnitOptions)[] {
    const { textBlocks, blocks } = this.editor;
    return [
      ...textBlocks,
      ...blocks.map((block) => block.text),
      ...blocks.map((module) => ({ module, methods: ['forward'] })),
    ];
  }

  loss(): tf.Scalar {
    const context = this.editor.encode(this.references, this.texts);
    const clean = this.editor.predict(this.latents, 0.5, context);
    return tf.mean(tf.squaredDifference(clean, this.target)) as tf.Scalar;
  }
}
