import * as tf from '@tensorflow/tfjs-core';
import { castStorage, copyTensor, noGrad, runFused, type StorageType } from '@thinkrl/nn';
import { type Layout, layoutOf, vectorOf } from './layout.ts';
import type { Pending, ShardingGroup } from './process-group.ts';
import { piecesOf } from './shards/piece.ts';
import type { KeptPart, UnitParameters } from './unit-parameters.ts';

/** How the parameters of a unit are kept. */
export interface FlatOptions {
  /** The name of this rank's part. */
  readonly name: string;
  readonly group: ShardingGroup;
  /** The ranks that keep the same part; null where nobody else does. */
  readonly replicas: ShardingGroup | null;
  /** Whether they get gradients; their shard is then float32 whatever they compute in. */
  readonly trainable: boolean;
  /** What they compute and travel in. */
  readonly storage: StorageType;
  /** What gradients travel in. */
  readonly reduceStorage: StorageType;
  /** Whether the shard and its gradient are in the host's memory. */
  readonly offload: boolean;
}

/**
 * Parameters laid end to end in one vector, of which each rank keeps an equal part. The parameters are views of the
 * vector, whose memory is there only between {@link FlatParameters.gather} and {@link FlatParameters.release}.
 */
export class FlatParameters implements UnitParameters {
  /** This rank's part; a parameter of the optimiser when trainable. */
  readonly shard: tf.Variable;
  readonly resident = false;
  private readonly options: FlatOptions;
  private readonly layout: Layout;
  private readonly whole: tf.Tensor1D;
  private arriving: { readonly pending: Pending<void>; readonly sent: tf.Tensor } | null = null;
  private present = true;
  private local: tf.Tensor | null = null;
  private reducing: { readonly pending: Pending<tf.Tensor>; readonly sent: tf.Tensor } | null = null;
  private reduced: tf.Tensor | null = null;
  private spreading: Pending<tf.Tensor> | null = null;

  constructor(parameters: ReadonlyMap<string, tf.Variable>, options: FlatOptions) {
    const { group, trainable, storage } = options;
    this.options = options;
    this.layout = layoutOf(parameters, { parts: group.worldSize, storage });
    const values = (variable: tf.Variable) => castStorage<tf.Tensor>(variable, 'float32');
    const whole = tf.keep(tf.tidy(() => vectorOf(this.layout, values)));
    const length = whole.size / group.worldSize;
    const cast = tf.tidy(() => copyTensor(castStorage(whole, storage)));
    const source = trainable ? whole : cast;
    this.shard = tf.tidy(() => {
      const part = copyTensor(tf.slice(source, [group.rank * length], [length]));
      return tf.variable(this.placed(part, 'shard'), false);
    });
    this.whole = tf.keep(cast);
    whole.dispose();
    for (const { variable, offset } of this.layout.places.values())
      tf.tidy(() => {
        variable.assign(tf.reshape(tf.slice(this.whole, [offset], [variable.size]), variable.shape));
      });
    this.release();
  }

  get trainable(): boolean {
    return this.options.trainable;
  }

  get variables(): ReadonlyMap<string, tf.Variable> {
    return new Map([...this.layout.places].map(([name, { variable }]) => [name, variable]));
  }

  /** Values in the whole vector, with what fills it up to a multiple of the world. */
  get size(): number {
    return this.whole.size;
  }

  get kept(): readonly KeptPart[] {
    const { name, group } = this.options;
    const { shard, layout, variables } = this;
    const pieces = piecesOf(layout.places, { begin: group.rank * shard.size, size: shard.size });
    return [{ name, values: shard, parameters: variables, pieces }];
  }

  prefetch(): void {
    if (this.present || this.arriving !== null) return;
    noGrad(() => {
      runFused('RestoreStorage', { whole: this.whole, views: this.views() });
      const sent = tf.keep(tf.tidy(() => this.sendable()));
      this.arriving = { sent, pending: this.options.group.startAllGather(sent, this.whole) };
    });
  }

  gather(): void {
    this.prefetch();
    if (this.arriving === null) return;
    const { pending, sent } = this.arriving;
    this.arriving = null;
    this.present = true;
    try {
      pending.wait();
    } finally {
      sent.dispose();
    }
  }

  get isHere(): boolean {
    return this.present;
  }

  assist(keep: boolean): void {
    if (!this.present) {
      this.gather();
      if (!keep) this.release();
      return;
    }
    noGrad(() => {
      const sent = tf.keep(tf.tidy(() => this.sendable()));
      // What is there is overwritten by the same values.
      this.options.group.startAllGather(sent, this.whole).wait();
      sent.dispose();
    });
  }

  release(): void {
    if (this.arriving !== null) this.gather();
    if (!this.present) return;
    noGrad(() => runFused('ReleaseStorage', { whole: this.whole, views: this.views() }));
    this.present = false;
  }

  reduce(gradients: ReadonlyMap<tf.Variable, tf.Tensor>, communicate: boolean): void {
    noGrad(() => {
      const flat = tf.tidy(() => vectorOf(this.layout, (variable) => gradients.get(variable) ?? null));
      const sum = this.local === null ? flat : tf.add(this.local, flat);
      if (this.local !== null) tf.dispose([this.local, flat]);
      this.local = tf.keep(sum);
      for (const { variable } of this.layout.places.values()) gradients.get(variable)?.dispose();
    });
    if (communicate) this.send();
  }

  sendAll(weight: number): void {
    const own = this.local;
    this.local = noGrad(() => tf.keep(own === null ? tf.zeros([this.size]) : tf.mul(own, weight)));
    own?.dispose();
    this.send();
  }

  send(): void {
    this.settle();
    if (this.local === null) return;
    const { group, reduceStorage } = this.options;
    const sent = tf.keep(tf.tidy(() => castStorage<tf.Tensor>(this.local!, reduceStorage)));
    this.local.dispose();
    this.local = null;
    this.reducing = { sent, pending: group.startReduceScatter(sent) };
  }

  spread(): void {
    this.settle();
    const { replicas } = this.options;
    if (replicas !== null && this.reduced !== null) this.spreading = replicas.startAllReduce(this.reduced);
  }

  takeGradients(): ReadonlyMap<string, tf.Tensor> {
    const sum = this.arrived();
    if (sum === null) return new Map();
    const { name, group, replicas, offload } = this.options;
    const ranks = group.worldSize * (replicas?.worldSize ?? 1);
    if (ranks === 1 && !offload) return new Map([[name, sum]]);
    const mean = tf.tidy(() => this.placed(tf.div(sum, ranks), 'shard'));
    sum.dispose();
    return new Map([[name, mean]]);
  }

  discard(): void {
    this.local?.dispose();
    this.local = null;
  }

  dispose(): void {
    tf.dispose([this.shard, this.whole]);
    this.discard();
  }

  private settle(): void {
    if (this.reducing === null) return;
    const { pending, sent } = this.reducing;
    const part = tf.keep(pending.wait());
    sent.dispose();
    this.reducing = null;
    const sum = this.reduced === null ? part : tf.keep(tf.tidy(() => tf.add(this.reduced!, part)));
    if (this.reduced !== null) tf.dispose([this.reduced, part]);
    this.reduced = sum;
  }

  private arrived(): tf.Tensor | null {
    const own = this.reduced;
    this.reduced = null;
    if (this.spreading === null) return own;
    const sum = tf.keep(this.spreading.wait());
    this.spreading = null;
    own!.dispose();
    return sum;
  }

  /** The shard as it travels. */
  private sendable(): tf.Tensor {
    return this.placed(castStorage<tf.Tensor>(this.shard, this.options.storage), 'device');
  }

  /** A tensor where the engine computes, or where the shard is kept. */
  private placed<T extends tf.Tensor>(tensor: T, place: 'device' | 'shard'): T {
    if (!this.options.offload) return tensor;
    return runFused('PlaceStorage', { x: tensor }, { place: place === 'shard' ? 'host' : 'device' })[0] as T;
  }

  private views(): readonly tf.Variable[] {
    return [...this.layout.places.values()].map(({ variable }) => variable);
  }
}
