import * as tf from '@tensorflow/tfjs-core';
import { GRID, type UnderstandingSample } from '@thinkrl/microworld';
import { type KeyValues, type Linear, type Objective, tokenLogProbs } from '@thinkrl/nn';
import { pictureTensor } from '../picture.ts';
import { PLAN_WORD, REFLECTION_WORD } from '../reasoning-session.ts';
import { chainMask, paddingMask } from '../token-mask.ts';
import { PLACES, type Understander } from '../understander.ts';
import { idTensor, inputsFor, unpadded, type WordRows, wordRows } from '../words.ts';

const CELLS = GRID.cells;

const REFLECTION_WEIGHT = 0.7;
const PERCEPTION_WEIGHT = 0.3;

interface Written {
  readonly inputs: WordRows;
  readonly targets: WordRows;
}

/** A batch of samples as rows of words. */
interface Texts {
  readonly instructions: WordRows;
  readonly plan: Written;
  readonly reflection: Written;
}

interface HiddenStates {
  /** Both pictures, `[rows, 32, width]`. */
  readonly pictures: tf.Tensor3D;
  readonly plan: tf.Tensor3D;
  readonly reflection: tf.Tensor3D;
}

/**
 * Cross-entropy of plan and reflection words, and of what is in each cell of both pictures as read by a linear head that
 * is thrown away afterwards (it makes the understander learn to see within a few hundred steps).
 */
export function understanderObjective(
  model: Understander,
  perception: Linear,
  samples: readonly UnderstandingSample[],
): Objective<'plan' | 'reflection' | 'perception'> {
  const texts: Texts = {
    instructions: wordRows(samples.map((sample) => unpadded(sample.instruction))),
    plan: written(
      samples.map((sample) => sample.plan),
      PLAN_WORD,
    ),
    reflection: written(
      samples.map((sample) => sample.reflection),
      REFLECTION_WORD,
    ),
  };
  const hidden = hiddenStates(model, samples, texts);
  const learned = samples.map((sample) => sample.planWeight);
  const plan = wordLoss(model.logits(hidden.plan), texts.plan.targets, learned);
  const reflection = wordLoss(model.logits(hidden.reflection), texts.reflection.targets);
  const seen = cellLoss(perception.forward(model.norm.forward(hidden.pictures)), samples);
  const words = tf.add(plan, tf.mul(reflection, REFLECTION_WEIGHT));
  const loss = tf.add<tf.Scalar>(words, tf.mul(seen, PERCEPTION_WEIGHT));
  return { loss, stats: { plan, reflection, perception: seen } };
}

function hiddenStates(
  model: Understander,
  samples: readonly UnderstandingSample[],
  texts: Texts,
): HiddenStates {
  const { instructions, plan, reflection } = texts;
  const references = pictureTensor(samples.map((sample) => sample.task.references[0]!));
  const edits = pictureTensor(samples.map((sample) => sample.edited));
  const prompt = runPrompt(model, references, instructions);
  const parts = [
    model.embedPicture(edits, PLACES.edit),
    model.embedWords(idTensor(plan.inputs), PLACES.plan),
    model.embedWords(idTensor(reflection.inputs), PLACES.reflection),
  ];
  const hidden = model.continue(tf.concat(parts, 1), {
    mask: samplesMask(texts),
    before: (layer) => ({ past: prompt.past[layer]! }),
  });
  const sizes = [CELLS, plan.inputs.length, reflection.inputs.length];
  const [seen, planned, reflected] = tf.split(hidden, sizes, 1) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
  const reference = tf.slice(prompt.hidden, [0, 0, 0], [samples.length, CELLS, model.size.width]);
  return { pictures: tf.concat([reference, seen], 1), plan: planned, reflection: reflected };
}

function samplesMask({ instructions, plan, reflection }: Texts): tf.Tensor4D {
  const slots = {
    prompt: CELLS + instructions.length,
    picture: CELLS,
    plan: plan.inputs.length,
    reflection: reflection.inputs.length,
  };
  const lengths = instructions.lengths.map((words, row) => ({
    prompt: CELLS + words,
    plan: plan.inputs.lengths[row]!,
  }));
  return chainMask(slots, lengths);
}

function runPrompt(model: Understander, references: tf.Tensor3D, instructions: WordRows) {
  const mask = paddingMask(instructions, { before: CELLS });
  let hidden = model.embedPrompt(references, idTensor(instructions));
  const past = model.blocks.map((block): KeyValues => {
    const { output, fresh } = block.forwardWithKeyValues(hidden, { mask });
    hidden = output;
    return fresh;
  });
  return { past, hidden };
}

function written(texts: readonly Int32Array[], opening: number): Written {
  const targets = texts.map(unpadded);
  return { inputs: wordRows(targets.map((row) => inputsFor(row, opening))), targets: wordRows(targets) };
}

/** Mean over the words that are there, each row weighted. */
function wordLoss(logits: tf.Tensor3D, targets: WordRows, rowWeights?: readonly number[]): tf.Scalar {
  const weights = new Float32Array(targets.ids.length);
  targets.lengths.forEach((length, row) => {
    const start = row * targets.length;
    weights.fill(rowWeights?.[row] ?? 1, start, start + length);
  });
  const total = Math.max(
    1,
    weights.reduce((sum, value) => sum + value, 0),
  );
  const { logProbs } = tokenLogProbs(flat(logits), tf.tensor1d(targets.ids, 'int32'));
  return tf.div<tf.Scalar>(tf.sum(tf.mul(logProbs, tf.tensor1d(weights))), -total);
}

function cellLoss(logits: tf.Tensor3D, samples: readonly UnderstandingSample[]): tf.Scalar {
  const labels = new Int32Array(samples.length * 2 * CELLS);
  samples.forEach(({ cellLabels }, row) => {
    labels.set(cellLabels, row * 2 * CELLS);
  });
  const { logProbs } = tokenLogProbs(flat(logits), tf.tensor1d(labels, 'int32'));
  return tf.neg(tf.mean<tf.Scalar>(logProbs));
}

function flat(x: tf.Tensor3D): tf.Tensor2D {
  return tf.reshape(x, [-1, x.shape[2]]);
}
