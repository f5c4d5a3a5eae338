import * as tf from '@tensorflow/tfjs-core';
import { type SamplingOptions, sampleToken, type TokenGrammar } from '@thinkrl/cot-sampler';
import { END, PAD, wordId } from '@thinkrl/microworld';
import type { KeyValueCache } from '@thinkrl/nn';
import type { Key, RandomStream } from '@thinkrl/spec';
import type { Understander } from './understander.ts';

/** Tokens drawn for one chain, the end token included unless a stop word ended the text or the slots ran out. */
export interface DrawnText {
  readonly tokens: number[];
  readonly logProbs: number[];
  /** Whether the end token or a stop word was drawn. */
  ended: boolean;
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
  /** Holds where the sampling is constrained. */
  readonly grammar: TokenGrammar;
  /**
   * Whether nobody reads the cache afterwards. Rows that have ended are then dropped from a smaller copy, and the cache
   * does not hold what was drawn later.
   */
  readonly lastUse: boolean;
}

/** A row that is still being written. */
interface OpenRow {
  /** Its row in the present cache. */
  readonly at: number;
  readonly text: DrawnText;
  readonly stream: RandomStream;
  readonly word: number;
}

/** The cache in use: the one given, or a smaller copy of some of its rows. */
interface Seats {
  readonly cache: KeyValueCache;
  readonly visible: tf.Tensor4D;
  readonly rows: number;
}

/**
 * Draws one text per row token by token; the draws of row `i` depend on its logits and `keys[i]` alone. Stops when every
 * row has ended.
 */
export async function decode(request: DecodeRequest): Promise<readonly DrawnText[]> {
  const { keys, opening, slots, cache, visible } = request;
  const texts = keys.map((): DrawnText => ({ tokens: [], logProbs: [], ended: false }));
  let open = keys.map((key, at): OpenRow => ({ at, text: texts[at]!, stream: key.stream(), word: opening }));
  const ends = new Set([END, ...(request.sampling.stopAfter ?? []).map(wordId)]);
  let seats: Seats = { cache, visible, rows: keys.length };
  for (let slot = 0; slot < slots && open.length > 0; slot++) {
    if (request.lastUse && open.length <= seats.rows / 2) {
      const fewer = moveTo(seats, open);
      if (seats.cache !== cache) release(seats);
      seats = fewer;
      open = open.map((row, at) => ({ ...row, at }));
    }
    const logits = await nextLogits(request, seats, open, slot);
    const vocabulary = logits.length / seats.rows;
    open = open.flatMap((row) => {
      const own = logits.subarray(row.at * vocabulary, (row.at + 1) * vocabulary);
      return write(row, own, { ...request, ends });
    });
  }
  if (seats.cache !== cache) release(seats);
  return texts;
}

/** Draws a row's next token; an ended row is left out. */
function write(
  row: OpenRow,
  logits: Float32Array,
  {
    sampling,
    grammar,
    ends,
  }: Pick<DecodeRequest, 'sampling' | 'grammar'> & { readonly ends: ReadonlySet<number> },
): readonly OpenRow[] {
  const allowed = sampling.constrained ? grammar.allowed(row.text.tokens) : undefined;
  const { token, logProb } = sampleToken(logits, { ...sampling, allowed }, row.stream);
  row.text.tokens.push(token);
  row.text.logProbs.push(logProb);
  row.text.ended = ends.has(token);
  return row.text.ended ? [] : [{ ...row, word: token }];
}

function moveTo({ cache, visible }: Seats, open: readonly OpenRow[]): Seats {
  const at = open.map((row) => row.at);
  const index = tf.tensor1d(at, 'int32');
  const seats = { cache: cache.select(at), visible: tf.gather(visible, index), rows: at.length };
  index.dispose();
  return seats;
}

function release({ cache, visible }: Seats): void {
  cache.dispose();
  visible.dispose();
}

/** Feeds one word per row and reads the logits of the next, `[rows * vocabulary]`. */
async function nextLogits(
  { model, place }: DecodeRequest,
  { cache, visible, rows }: Seats,
  open: readonly OpenRow[],
  slot: number,
): Promise<Float32Array> {
  const words = new Int32Array(rows).fill(PAD);
  for (const { at, word } of open) words[at] = word;
  const logits = tf.tidy(() => {
    const x = model.embedWords(tf.tensor2d(words, [rows, 1], 'int32'), place + slot);
    const mask = tf.slice(visible, [0, 0, 0, 0], [rows, 1, 1, cache.length + 1]);
    const hidden = model.continue(x, { before: (layer) => ({ cache: cache.layer(layer, 1) }), mask });
    cache.advance(1);
    return model.logits(hidden);
  });
  const numbers = (await logits.data()) as Float32Array;
  logits.dispose();
  return numbers;
}
