import * as tf from '@tensorflow/tfjs-core';
import { type SamplingOptions, sampleToken, type TokenGrammar } from '@thinkrl/cot-sampler';
import { KeyValueCache } from '@thinkrl/nn';
import type { RandomStream } from '@thinkrl/spec';
import type { QwenVl } from './model.ts';
import { words } from './placed-text.ts';
import { SharedRow, visibility } from './shared-rows.ts';
import { layOut, type Segment } from './sheet.ts';

/** A chain that speaks: where it goes on and what comes next. */
export interface Seat {
  readonly row: number;
  readonly branch: number;
  /** Position of the next token. */
  readonly next: number;
  /** Logits of the next token, `[vocabulary]`. */
  readonly logits: Float32Array;
  readonly stream: RandomStream;
}

/** What a seat said. */
export interface Spoken {
  readonly tokens: readonly number[];
  /** Of each token, nats. */
  readonly logProbs: readonly number[];
  /** Whether an end token or a stop word was said. */
  readonly ended: boolean;
}

/** How to speak. */
export interface SpeakOptions {
  readonly sampling: SamplingOptions;
  readonly maxTokens: number;
  /** Whether a text ends with its newest token. */
  readonly isEnd: (tokens: readonly number[]) => boolean;
  /** Says what may come next, where the sampling is constrained. */
  readonly grammar: TokenGrammar | undefined;
  /** Ends the speaking between two tokens. */
  readonly signal?: AbortSignal | undefined;
}

/** The model with a cache whose rows are shared by the branches of a prompt. */
export class Speaker {
  private readonly model: QwenVl;
  private readonly rows: readonly SharedRow[];
  private cache: KeyValueCache;

  constructor(model: QwenVl, rows: number, capacity: number) {
    this.model = model;
    this.rows = Array.from({ length: rows }, () => new SharedRow());
    this.cache = this.emptyCache(capacity);
  }

  /** Columns in use. */
  get length(): number {
    return this.cache.length;
  }

  /** A new branch of a row; see {@link SharedRow}. */
  branch(row: number, parent: number): number {
    return this.rows[row]!.branch(parent);
  }

  /** Forgets the columns from `length` on. */
  truncate(length: number): void {
    this.cache.truncate(length);
    for (const row of this.rows) row.truncate(length);
  }

  /** Makes room for so many columns more. */
  reserve(columns: number): void {
    const capacity = this.cache.length + columns;
    if (capacity <= this.cache.shape.capacity) return;
    const { cache } = this;
    const larger = this.emptyCache(capacity);
    if (cache.length > 0)
      for (let layer = 0; layer < cache.shape.layers; layer++)
        tf.tidy(() => {
          larger.append(layer, cache.held(layer));
        });
    larger.advance(cache.length);
    cache.dispose();
    this.cache = larger;
  }

  /** Adds segments to the cache, row by row, and reads the logits after the last token of each. */
  async feed(segments: readonly Segment[]): Promise<readonly Float32Array[]> {
    const logits = tf.tidy(() => this.logitsAfter(segments));
    const values = (await logits.data()) as Float32Array;
    logits.dispose();
    const vocabulary = values.length / segments.length;
    return segments.map((_, i) => values.slice(i * vocabulary, (i + 1) * vocabulary));
  }

  /**
   * Every seat speaks, token by token, until all have ended; the draws of a seat depend on its logits and stream alone.
   * Throws the reason of a signal that is aborted meanwhile.
   */
  async speak(seats: readonly Seat[], options: SpeakOptions): Promise<readonly Spoken[]> {
    const { sampling, maxTokens, isEnd, grammar, signal } = options;
    const said = seats.map(() => ({ tokens: [] as number[], logProbs: [] as number[], ended: false }));
    let open = seats.map((seat, i) => ({ seat, text: said[i]!, logits: seat.logits }));
    while (open.length > 0) {
      for (const { seat, text, logits } of open) {
        const allowed = grammar?.allowed(text.tokens);
        const { token, logProb } = sampleToken(logits, { ...sampling, allowed }, seat.stream);
        text.tokens.push(token);
        text.logProbs.push(logProb);
        text.ended = isEnd(text.tokens);
      }
      open = open.filter(({ text }) => !text.ended && text.tokens.length < maxTokens);
      if (open.length === 0) break;
      if (signal !== undefined) await tf.nextFrame(); // lets it be heard: an engine may never wait
      signal?.throwIfAborted();
      const logits = await this.feed(open.map(({ seat, text }) => this.newest(seat, text.tokens)));
      open = open.map((place, i) => ({ ...place, logits: logits[i]! }));
    }
    return said;
  }

  dispose(): void {
    this.cache.dispose();
  }

  /** The newest token of a seat as a segment. */
  private newest({ row, branch, next }: Seat, tokens: readonly number[]): Segment {
    return { row, branch, ...words(Int32Array.of(tokens.at(-1)!), next + tokens.length - 1) };
  }

  private emptyCache(capacity: number): KeyValueCache {
    const { layers, keyHeads, headSize } = this.model.config.language;
    const { storage } = this.model;
    return new KeyValueCache({
      layers,
      batch: this.rows.length,
      capacity,
      heads: keyHeads,
      size: headSize,
      storage,
    });
  }

  private logitsAfter(segments: readonly Segment[]): tf.Tensor2D {
    const { cache, model, rows } = this;
    const first = cache.length === 0;
    const sheet = layOut(segments, rows);
    // Prompts come first, each at the beginning of a row: nothing before them has to be hidden.
    const mask = first ? undefined : visibility(rows, sheet.tokens);
    const hidden = model.forward(sheet, { positions: sheet.positions, mask, cache });
    const last = segments.map(({ ids }, i) => sheet.starts[i]! + ids.length - 1);
    const flat = tf.reshape(hidden, [-1, hidden.shape[2]]) as tf.Tensor2D;
    return model.logits(tf.gather(flat, tf.tensor1d(last, 'int32')));
  }
}
