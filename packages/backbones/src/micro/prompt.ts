import * as tf from '@tensorflow/tfjs-core';
import { GRID, SLOTS } from '@thinkrl/microworld';
import type { KeyValues } from '@thinkrl/nn';
import type { EditTask } from '@thinkrl/spec';
import { MicroInputError } from './error.ts';
import { pictureTensor } from './picture.ts';
import { paddingMask } from './token-mask.ts';
import type { Understander } from './understander.ts';
import { idsOf, idTensor, type WordRows, wordRows } from './words.ts';

/** The prompts of some tasks, laid out on the host: picture and instruction side by side. */
export interface PromptBatch {
  readonly tasks: readonly EditTask[];
  readonly instructions: WordRows;
  /** Tokens of the longest prompt. */
  readonly length: number;
  /** Tokens of each prompt that hold something. */
  readonly lengths: readonly number[];
}

/** Lays out prompts. Throws {@link MicroInputError} for a task without exactly one reference or with a long instruction. */
export function promptBatch(tasks: readonly EditTask[]): PromptBatch {
  const instructions = wordRows(tasks.map(instructionIds));
  return {
    tasks,
    instructions,
    length: GRID.cells + instructions.length,
    lengths: instructions.lengths.map((words) => GRID.cells + words),
  };
}

/** Keys and values of every prompt in every layer, computed once per task. */
export function promptKeyValues(model: Understander, prompt: PromptBatch): readonly KeyValues[] {
  const { tasks, instructions } = prompt;
  const pictures = pictureTensor(tasks.map((task) => task.references[0]!));
  const mask = paddingMask(instructions, { before: GRID.cells });
  return model.promptKeyValues(model.embedPrompt(pictures, idTensor(instructions)), mask);
}

/** The prompts' keys or values as rows of chains: row `i` is that of task `taskOf[i]`. */
export function spreadOver(x: tf.Tensor4D, taskOf: readonly number[]): tf.Tensor4D {
  const already = taskOf.length === x.shape[0] && taskOf.every((task, row) => task === row);
  return already ? x : tf.gather(x, tf.tensor1d([...taskOf], 'int32'));
}

function instructionIds(task: EditTask): readonly number[] {
  if (task.references.length !== 1)
    throw new MicroInputError(
      `task ${task.id} has ${task.references.length} reference pictures, the micro models take one`,
    );
  const ids = idsOf(task.instruction);
  if (ids.length > SLOTS.instruction)
    throw new MicroInputError(
      `the instruction of task ${task.id} has ${ids.length} words, at most ${SLOTS.instruction} fit`,
    );
  return ids;
}
