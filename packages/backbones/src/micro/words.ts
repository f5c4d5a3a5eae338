import * as tf from '@tensorflow/tfjs-core';
import { PAD, wordId } from '@thinkrl/microworld';

/** Rows of word ids of different lengths, laid side by side and padded to the longest. */
export interface WordRows {
  /** Int32 `[rows, length]`, 0 where there is no word. */
  readonly ids: Int32Array;
  readonly rows: number;
  /** Words of the longest row. */
  readonly length: number;
  /** Words of each row. */
  readonly lengths: readonly number[];
}

/** Ids of a text's words. Throws UnknownWordError of microworld for a word that the vocabulary does not have. */
export function idsOf(text: string): readonly number[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map(wordId);
}

/** Lays rows of ids side by side; at least one slot wide. */
export function wordRows(rows: readonly ArrayLike<number>[]): WordRows {
  const lengths = rows.map((row) => row.length);
  const length = Math.max(1, ...lengths);
  const ids = new Int32Array(rows.length * length);
  rows.forEach((row, index) => {
    ids.set(row, index * length);
  });
  return { ids, rows: rows.length, length, lengths };
}

/** The ids as an int32 tensor `[rows, length]`. */
export function idTensor({ ids, rows, length }: WordRows): tf.Tensor2D {
  return tf.tensor2d(ids, [rows, length], 'int32');
}

/** The words of a padded row, up to the first `<pad>`. */
export function unpadded(row: Int32Array): Int32Array {
  const end = row.indexOf(PAD);
  return end < 0 ? row : row.subarray(0, end);
}

/** What goes in so that `tokens` come out: the opening word, then all tokens but the last. */
export function inputsFor(tokens: Int32Array, opening: number): Int32Array {
  if (tokens.length === 0) return tokens;
  const inputs = new Int32Array(tokens.length);
  inputs[0] = opening;
  inputs.set(tokens.subarray(0, -1), 1);
  return inputs;
}
