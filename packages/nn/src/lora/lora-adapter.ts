import * as tf from '@tensorflow/tfjs-core';
import { ConfigError, type Key } from '@thinkrl/spec';
import { StorageError } from '../error.ts';
import { Linear } from '../modules/linear.ts';
import { Module } from '../modules/module.ts';
import { LowRankUpdate } from './low-rank-update.ts';

/** Settings of a {@link LoraAdapter}. */
export interface LoraOptions {
  readonly rank: number;
  /** The update's factor is `alpha / rank`. */
  readonly alpha: number;
  /** Ends of the places of the layers to adapt, such as `to_q` or `img_mlp.net.2`; each must be some layer's. */
  readonly targets: readonly string[];
  readonly key: Key;
}

/** Rank and alpha of one adapted layer. */
export interface LoraLayer {
  readonly rank: number;
  readonly alpha: number;
}

/**
 * Low-rank updates of a model's linear layers (LoRA, arXiv 2106.09685), trainable while the model stays as it is. Several
 * adapters can be attached to a model and add up. Parameters are named by the layers' places: `blocks.0.attn.to_q.lora_A.weight`.
 *
 * @example
 * const adapter = LoraAdapter.attach(model, { rank: 64, alpha: 128, targets: ['to_q', 'to_v'], key: Key.of(7) });
 * const optimizer = AdamW.create({ parameters: adapter.parameters(), learningRate: 3e-4 });
 * const reference = noGrad(() => adapter.without(() => model.forward(x)));
 */
export class LoraAdapter extends Module {
  /** The adapted layers by place. */
  readonly layers: ReadonlyMap<string, LoraLayer>;
  private readonly pairs: readonly Pair[];
  private enabled = true;
  private merged = false;

  private constructor(model: Module, layers: ReadonlyMap<string, LoraLayer>, key: Key) {
    super();
    const places = linearLayers(model);
    this.layers = layers;
    this.pairs = [...layers].map(([place, { rank, alpha }]) => {
      const layer = places.get(place)!;
      const [outputs, inputs] = layer.weight.shape as [number, number];
      const acts = () => this.enabled && !this.merged;
      const options = { inputs, outputs, rank, scale: alpha / rank, acts, key: key.fold(place) };
      const update = this.child(place, new LowRankUpdate(options));
      layer.attach(update);
      return { layer, update };
    });
  }

  /**
   * Adapts every linear layer whose place is or ends with one of the targets.
   *
   * @throws ConfigError for a rank or alpha that is no use, or a target that no layer has.
   */
  static attach(model: Module, options: LoraOptions): LoraAdapter {
    const { rank, alpha, targets, key } = options;
    const places = [...linearLayers(model).keys()];
    const matches = (place: string, target: string) => place === target || place.endsWith(`.${target}`);
    for (const target of targets)
      if (!places.some((place) => matches(place, target)))
        throw new ConfigError({
          field: 'targets',
          value: target,
          fix: `use ends of places such as ${places.slice(0, 3).join(', ')}`,
        });
    const chosen = places.filter((place) => targets.some((target) => matches(place, target)));
    return LoraAdapter.attachLayers(model, new Map(chosen.map((place) => [place, { rank, alpha }])), key);
  }

  /**
   * Adapts the layers at exactly these places, each with its own rank and alpha.
   *
   * @throws ConfigError for a place that is no linear layer, no places, or a rank or alpha that is no use.
   */
  static attachLayers(model: Module, layers: ReadonlyMap<string, LoraLayer>, key: Key): LoraAdapter {
    const places = linearLayers(model);
    if (layers.size === 0)
      throw new ConfigError({ field: 'targets', value: [], fix: 'name at least one linear layer' });
    for (const [place, { rank, alpha }] of layers) {
      if (!places.has(place))
        throw new ConfigError({ field: 'layers', value: place, fix: 'name a linear layer of the model' });
      if (!Number.isInteger(rank) || rank < 1)
        throw new ConfigError({ field: 'rank', value: rank, fix: 'use a positive integer' });
      if (!Number.isFinite(alpha))
        throw new ConfigError({ field: 'alpha', value: alpha, fix: 'use a finite number' });
    }
    return new LoraAdapter(model, layers, key);
  }

  /** Whether the updates count; a merged adapter counts through the weights it was merged into. */
  get active(): boolean {
    return this.enabled;
  }

  /**
   * Switches the updates on or off.
   *
   * @throws StorageError for a merged adapter, which cannot be switched off.
   */
  set active(active: boolean) {
    if (this.merged && !active)
      throw new StorageError('a merged adapter cannot be switched off: unmerge it first');
    this.enabled = active;
  }

  /**
   * Runs `fn` with the updates off: the reference policy of a policy that is trained by this adapter. `fn` must be
   * synchronous.
   *
   * @throws StorageError for a merged adapter, or when `fn` returns a promise.
   */
  without<T>(fn: () => T): T {
    const before = this.enabled;
    this.active = false;
    let result: T;
    try {
      result = fn();
    } finally {
      this.enabled = before;
    }
    if (result instanceof Promise) throw new StorageError('LoraAdapter.without takes a synchronous function');
    return result;
  }

  /** Adds the updates to the layers' weights, which then compute without extra work. Merging twice changes nothing. */
  merge(): void {
    if (this.merged) return;
    this.addToWeights(1);
    this.merged = true;
  }

  /** Takes merged updates out of the weights again, exact up to rounding in the weights' storage. */
  unmerge(): void {
    if (!this.merged) return;
    this.addToWeights(-1);
    this.merged = false;
  }

  /** Takes the updates off the model and releases them; what was merged stays in the weights. */
  override dispose(): void {
    for (const { layer, update } of this.pairs) {
      layer.detach(update);
      update.dispose();
    }
  }

  private addToWeights(sign: 1 | -1): void {
    for (const { layer, update } of this.pairs)
      tf.tidy(() => layer.weight.assign(update.addedTo(layer.weight, sign)));
  }
}

interface Pair {
  readonly layer: Linear;
  readonly update: LowRankUpdate;
}

/** The linear layers of a model by place. */
export function linearLayers(model: Module): ReadonlyMap<string, Linear> {
  const layers = [...model.modules()].filter(
    (entry): entry is [string, Linear] => entry[1] instanceof Linear,
  );
  return new Map(layers);
}
