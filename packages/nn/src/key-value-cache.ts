import * as tf from '@tensorflow/tfjs-core';
import { StorageError } from './error.ts';
import { castStorage, type StorageType } from './ops/cast-storage.ts';
import { hasKernel, runFused } from './ops/fused.ts';
import type { KeyValues, LayerCache } from './ops/transformer-block.ts';

/** Room of a {@link KeyValueCache}. */
export interface CacheShape {
  readonly layers: number;
  readonly batch: number;
  /** Most tokens it can hold. */
  readonly capacity: number;
  readonly heads: number;
  /** Size of one head. */
  readonly size: number;
  /** What keys and values are stored in, where the engine writes in place; float32 unless given. */
  readonly storage?: StorageType;
}

/**
 * Keys and values of earlier tokens for step-by-step decoding, one pair per layer. Written in place where the engine
 * can, grown by concatenation elsewhere.
 *
 * @example
 * const hidden = blocks.reduce((x, block, i) => block.forward(x, { cache: cache.layer(i, 1) }), embedded);
 * cache.advance(1); // once all layers have added the new token
 */
export class KeyValueCache {
  readonly shape: CacheShape;
  private readonly inPlace = hasKernel('CacheWrite');
  private readonly entries: (KeyValues | null)[];
  private used = 0;

  constructor(shape: CacheShape) {
    this.shape = shape;
    const { batch, capacity, heads, size, storage = 'float32' } = shape;
    const zeros = () => castStorage(tf.fill<tf.Rank.R4>([batch, capacity, heads, size], 0), storage);
    const room = () => tf.keep(tf.tidy(zeros));
    this.entries = Array.from({ length: shape.layers }, () =>
      this.inPlace ? { key: room(), value: room() } : null,
    );
  }

  /** Tokens held. */
  get length(): number {
    return this.used;
  }

  /**
   * One layer for a block to add `tokens` to and to attend to. Throws {@link StorageError} when they do not fit.
   */
  layer(index: number, tokens: number): LayerCache {
    this.makeSure(tokens);
    const room = this.inPlace ? { ...this.entries[index]!, position: this.used } : null;
    return { room, append: (fresh) => this.append(index, fresh) };
  }

  /**
   * Adds the new tokens of one layer, `[batch, tokens, heads, size]`, and returns all that is held with them. Throws
   * {@link StorageError} when they do not fit. The result belongs to the surrounding `tf.tidy`.
   */
  append(layer: number, fresh: KeyValues): KeyValues {
    const end = this.makeSure(fresh.key.shape[1]);
    const entry = this.inPlace ? this.write(layer, fresh) : this.grow(layer, fresh);
    return { key: firstTokens(entry.key, end), value: firstTokens(entry.value, end) };
  }

  /** Counts `tokens` more as held, after every layer has appended them. */
  advance(tokens: number): void {
    this.used += tokens;
  }

  /** Forgets everything from position `length` on. */
  truncate(length: number): void {
    this.used = Math.min(this.used, length);
  }

  /** What is held of one layer, `[batch, length, heads, size]`. */
  held(layer: number): KeyValues {
    const entry = this.entries[layer];
    if (entry == null) throw new StorageError(`layer ${layer} of this cache holds nothing yet`);
    return { key: firstTokens(entry.key, this.used), value: firstTokens(entry.value, this.used) };
  }

  /** A new cache of this one's rows at `rows`, which may repeat. */
  select(rows: readonly number[]): KeyValueCache {
    const copy = new KeyValueCache({ ...this.shape, batch: rows.length });
    tf.tidy(() => {
      const index = tf.tensor1d([...rows], 'int32');
      for (let layer = 0; layer < this.shape.layers; layer++) {
        const { key, value } = this.held(layer);
        copy.append(layer, { key: tf.gather(key, index), value: tf.gather(value, index) });
      }
    });
    copy.advance(this.used);
    return copy;
  }

  dispose(): void {
    for (const entry of this.entries) if (entry !== null) tf.dispose([entry.key, entry.value]);
  }

  /** Where so many new tokens end. */
  private makeSure(tokens: number): number {
    const end = this.used + tokens;
    if (end > this.shape.capacity)
      throw new StorageError(`a cache for ${this.shape.capacity} tokens cannot hold ${end}`);
    return end;
  }

  private write(layer: number, fresh: KeyValues): KeyValues {
    const entry = this.entries[layer]!;
    const position = this.used;
    tf.dispose(runFused('CacheWrite', { cache: entry.key, rows: fresh.key }, { position }));
    tf.dispose(runFused('CacheWrite', { cache: entry.value, rows: fresh.value }, { position }));
    return entry;
  }

  private grow(layer: number, fresh: KeyValues): KeyValues {
    const before = this.entries[layer] ?? null;
    const joined = (name: 'key' | 'value') => {
      const held = before === null ? [] : [firstTokens(before[name], this.used)];
      return tf.keep(tf.concat([...held, fresh[name]], 1).clone());
    };
    const entry = tf.tidy(() => ({ key: joined('key'), value: joined('value') }));
    if (before !== null) tf.dispose([before.key, before.value]);
    this.entries[layer] = entry;
    return entry;
  }
}

function firstTokens(x: tf.Tensor4D, count: number): tf.Tensor4D {
  return tf.slice(x, [0, 0, 0, 0], [x.shape[0], count, x.shape[2], x.shape[3]]);
}
