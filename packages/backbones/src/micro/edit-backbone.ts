import * as tf from '@tensorflow/tfjs-core';
import { type Conditioning, type EditBackbone, ReferenceCache } from '@thinkrl/edit-generator';
import { GRID, SLOTS } from '@thinkrl/microworld';
import type { ParameterMap } from '@thinkrl/nn';
import type { EditCondition } from '@thinkrl/spec';
import type { Editor, EditorContext } from './editor.ts';
import { MicroInputError } from './error.ts';
import { pictureTensor } from './picture.ts';
import { idsOf, wordRows } from './words.ts';

/** Encoded conditions of a batch of micro edits. */
export interface MicroConditioning extends Conditioning {
  readonly context: EditorContext;
}

/** The editor as a generation module: conditions are one picture and the words of an instruction, plan or reflection. */
export class MicroEditBackbone implements EditBackbone<MicroConditioning> {
  readonly name = 'micro';
  /** Pictures laid out on the device; the trained layer over them is part of `encode`. */
  readonly references = new ReferenceCache(pictureTensor);
  readonly model: Editor;

  constructor(model: Editor) {
    this.model = model;
  }

  latentShape(): readonly number[] {
    return [GRID.cells, GRID.cellNumbers];
  }

  /** Throws {@link MicroInputError} for a condition without exactly one reference or with more than 20 words. */
  encode(conditions: readonly EditCondition[]): MicroConditioning {
    conditions.forEach(checkCondition);
    const context = tf.tidy(() => {
      const pictures = conditions.map((condition) => condition.references[0]!);
      const references = this.references.features(pictures) as tf.Tensor3D;
      const texts = wordRows(conditions.map((condition) => idsOf(condition.text)));
      return this.model.encode(references, texts) as unknown as tf.TensorContainer;
    }) as unknown as EditorContext;
    return { size: conditions.length, context, dispose: () => release(context) };
  }

  /** `(x_t - x_0) / sigma` with the predicted clean picture `x_0`. */
  velocity(latents: tf.Tensor, sigma: number, { context }: MicroConditioning): tf.Tensor {
    return tf.tidy(() =>
      tf.div(tf.sub(latents, this.model.predict(latents as tf.Tensor3D, sigma, context)), sigma),
    );
  }

  parameters(): ParameterMap {
    return this.model.parameters();
  }

  dispose(): void {
    this.model.dispose();
  }
}

function release({ base, text, mask }: EditorContext): void {
  tf.dispose([base, ...text.flatMap(({ key, value }) => [key, value])]);
  mask?.dispose();
}

function checkCondition({ references, text }: EditCondition): void {
  if (references.length !== 1)
    throw new MicroInputError(
      `an edit has ${references.length} reference pictures, the micro editor takes one`,
    );
  const words = text.split(' ').length;
  if (words > SLOTS.editorText)
    throw new MicroInputError(`"${text}" has ${words} words, the micro editor reads ${SLOTS.editorText}`);
}
