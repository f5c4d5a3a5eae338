import * as tf from '@tensorflow/tfjs-core';
import { type SamplingOptions, sampleToken } from '@thinkrl/cot-sampler';
import { END, PAD } from '@thinkrl/microworld';
import type { KeyValueCache } from '@thinkrl/nn';
import type { Key } from '@thinkrl/spec';
import type { Understander } from './understander.ts';

/** Tokens drawn for one chain, the end token included unless the slots ran out. */
export interface DrawnText {
  readonly tokens: number[];
  readonly logProbs: number[];
}

/** What to decode: one text per row of the cache. */
export interface DecodeRequest {
  readonly model: Understander;
  readonly cache: KeyValueCache;
  /** The word that opens the text and its place in the sequence. */
  readonly opening: number;
  readonly place: number;
  /** Most tokens to draw per row. */
  readonly slots: number;
  /** Bool `[rows, 1, 1, capacity]`: the positions of the cache that hold something of the row. */
  readonly visible: tf.Tensor4D;
  readonly keys: readonly Key[];
  readonly sampling: SamplingOptions;
}

/**
 * Draws one text per row token by token; the draws of row `i` depend on its logits and `keys[i]` alone. Stops when every
 * row has ended.
 */
export async function decode(request: DecodeRequest): Promise<readonly DrawnText[]> {
  const { keys, opening, slots } = request;
  const streams = keys.map((key) => key.stream());
  const texts = keys.map((): DrawnText => ({ tokens: [], logProbs: [] }));
  const open = new Set(keys.keys());
  const current = new Int32Array(keys.length).fill(opening);
  for (let slot = 0; slot < slots && open.size > 0; slot++) {
    const logits = await nextLogits(request, current, slot);
    const vocabulary = logits.length / keys.length;
    for (const row of open) {
      const { token, logProb } = sampleToken(
        logits.subarray(row * vocabulary, (row + 1) * vocabulary),
        request.sampling,
        streams[row]!,
      );
      texts[row]!.tokens.push(token);
      texts[row]!.logProbs.push(logProb);
      current[row] = token === END ? PAD : token;
      if (token === END) open.delete(row);
    }
  }
  return texts;
}

/** Feeds one word per row and reads the logits of the next, `[rows * vocabulary]`. */
async function nextLogits(request: DecodeRequest, words: Int32Array, slot: number): Promise<Float32Array> {
  const { model, cache, place, visible } = request;
  const logits = tf.tidy(() => {
    const x = model.embedWords(tf.tensor2d(words.slice(), [words.length, 1], 'int32'), place + slot);
    const mask = tf.slice(visible, [0, 0, 0, 0], [words.length, 1, 1, cache.length + 1]);
    const hidden = model.continue(x, { sources: (layer, fresh) => cache.append(layer, fresh), mask });
    cache.advance(1);
    return model.logits(hidden);
  });
  const numbers = (await logits.data()) as Float32Array;
  logits.dispose();
  return numbers;
}
