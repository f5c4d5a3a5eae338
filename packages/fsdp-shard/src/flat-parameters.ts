import * as tf from '@tensorflow/tfjs-core';
import { castStorage, copyTensor, noGrad, runFused, type StorageType } from '@thinkrl/nn';
import type { Pending, ShardingGroup } from './process-group.ts';

/** How the parameters of a unit are kept. */
export interface FlatOptions {
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

/** Where a parameter lies in the whole. */
interface Place {
  readonly variable: tf.Variable;
  readonly offset: number;
}

/**
 * Parameters laid end to end in one vector, of which each rank keeps an equal part. The parameters are views of the
 * vector, whose memory is there only between {@link FlatParameters.gather} and {@link FlatParameters.release}.
 */
export class FlatParameters {
  /** This rank's part; a parameter of the optimiser when trainable. */
  readonly shard: tf.Variable;
  readonly places: ReadonlyMap<string, Place>;
  readonly options: FlatOptions;
  private readonly whole: tf.Tensor1D;
  /** The parameters are views of the shard itself: nothing to gather. */
  private readonly resident: boolean;
  private arriving: { readonly pending: Pending<void>; readonly sent: tf.Tensor } | null = null;
  private present = true;
  private local: tf.Tensor | null = null;
  private reducing: { readonly pending: Pending<tf.Tensor>; readonly sent: tf.Tensor } | null = null;
  private reduced: tf.Tensor | null = null;
  private spreading: Pending<tf.Tensor> | null = null;

  constructor(parameters: ReadonlyMap<string, tf.Variable>, options: FlatOptions) {
    const { group, trainable, storage, offload } = options;
    this.options = options;
    this.resident = group.worldSize === 1 && !offload && (storage === 'float32' || !trainable);
    const { places, whole } = laidOut(parameters, options);
    this.places = places;
    const length = whole.size / group.worldSize;
    const cast = tf.tidy(() => copyTensor(castStorage(whole, storage)));
    const source = trainable ? whole : cast;
    this.shard = this.resident
      ? tf.tidy(() => tf.variable(cast, false))
      : tf.tidy(() => {
          const part = copyTensor(tf.slice(source, [group.rank * length], [length]));
          return tf.variable(this.placed(part, 'shard'), false);
        });
    this.whole = tf.keep(cast);
    whole.dispose();
    for (const { variable, offset } of places.values())
      tf.tidy(() => {
        variable.assign(tf.reshape(tf.slice(this.whole, [offset], [variable.size]), variable.shape));
      });
    this.release();
  }

  /** Parameters by name. */
  get variables(): ReadonlyMap<string, tf.Variable> {
    return new Map([...this.places].map(([name, { variable }]) => [name, variable]));
  }

  /** Values in the whole vector, with what fills it up to a multiple of the world. */
  get size(): number {
    return this.whole.size;
  }

  /** Starts to gather the whole unless it is here or on its way. */
  prefetch(): void {
    if (this.present || this.arriving !== null) return;
    noGrad(() => {
      runFused('RestoreStorage', { whole: this.whole, views: this.views() });
      const sent = tf.keep(tf.tidy(() => this.sendable()));
      this.arriving = { sent, pending: this.options.group.startAllGather(sent, this.whole) };
    });
  }

  /** Has the whole here when it returns. */
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

  /** Whether the whole is here. */
  get isHere(): boolean {
    return this.present;
  }

  /** Takes part in a gathering of all ranks, whether the whole is here or not; it stays here if it was or with `keep`. */
  assist(keep: boolean): void {
    if (this.resident) return;
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

  /** Frees the whole; the shard stays. */
  release(): void {
    if (this.resident) return;
    if (this.arriving !== null) this.gather();
    if (!this.present) return;
    noGrad(() => runFused('ReleaseStorage', { whole: this.whole, views: this.views() }));
    this.present = false;
  }

  /** Takes gradients of a backward pass, which it disposes: kept here with `communicate` off, else sent on their way. */
  reduce(gradients: ReadonlyMap<tf.Variable, tf.Tensor>, communicate: boolean): void {
    noGrad(() => {
      const flat = tf.tidy(() => this.flattened(gradients));
      const sum = this.local === null ? flat : tf.add(this.local, flat);
      if (this.local !== null) tf.dispose([this.local, flat]);
      this.local = tf.keep(sum);
    });
    if (communicate) this.send();
  }

  /** Sends what {@link reduce} kept here times `weight`, zeros where that is nothing. */
  sendAll(weight: number): void {
    const own = this.local;
    this.local = noGrad(() => tf.keep(own === null ? tf.zeros([this.size]) : tf.mul(own, weight)));
    own?.dispose();
    this.send();
  }

  /** Sends what {@link reduce} kept here. */
  send(): void {
    this.settle();
    if (this.local === null) return;
    const { group, reduceStorage } = this.options;
    const sent = tf.keep(tf.tidy(() => castStorage<tf.Tensor>(this.local!, reduceStorage)));
    this.local.dispose();
    this.local = null;
    this.reducing = { sent, pending: group.startReduceScatter(sent) };
  }

  /** Waits for what was sent and adds it up with those who keep the same part, if there are any. */
  spread(): void {
    this.settle();
    const { replicas } = this.options;
    if (replicas !== null && this.reduced !== null) this.spreading = replicas.startAllReduce(this.reduced);
  }

  /** The mean over all ranks of what was {@link spread}, this rank's part; null when nothing was. The caller owns it. */
  takeGradient(): tf.Tensor | null {
    const sum = this.arrived();
    const { group, replicas, offload } = this.options;
    const ranks = group.worldSize * (replicas?.worldSize ?? 1);
    if (sum === null || (ranks === 1 && !offload)) return sum;
    const mean = tf.tidy(() => this.placed(tf.div(sum, ranks), 'shard'));
    sum.dispose();
    return mean;
  }

  dispose(): void {
    tf.dispose([this.shard, this.whole]);
    if (this.local !== null) this.local.dispose();
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

  private flattened(gradients: ReadonlyMap<tf.Variable, tf.Tensor>): tf.Tensor1D {
    const slope = (variable: tf.Variable): tf.Tensor1D => {
      const gradient = gradients.get(variable);
      return gradient === undefined ? tf.zeros([variable.size]) : tf.reshape(gradient, [variable.size]);
    };
    return joined([...this.places.values()], slope, this.size);
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
    return [...this.places.values()].map(({ variable }) => variable);
  }
}

/** Where each parameter begins in a line of cache, as one by itself does: kernels may compute otherwise elsewhere. */
const ALIGNMENT_BYTES = 64;

/** The places of parameters in a vector whose length is a multiple of the world, and that vector. */
function laidOut(parameters: ReadonlyMap<string, tf.Variable>, { group, storage }: FlatOptions) {
  const { worldSize } = group;
  const step = ALIGNMENT_BYTES / (storage === 'float32' ? 4 : 2);
  const places = new Map<string, Place>();
  let length = 0;
  for (const [name, variable] of parameters) {
    const offset = Math.ceil(length / step) * step;
    places.set(name, { variable, offset });
    length = offset + variable.size;
  }
  const padded = Math.ceil(length / worldSize) * worldSize;
  const values = (variable: tf.Variable) =>
    castStorage<tf.Tensor>(tf.reshape(variable, [-1]), 'float32') as tf.Tensor1D;
  const whole = tf.keep(tf.tidy(() => joined([...places.values()], values, padded)));
  return { places, whole };
}

/** A vector of `length` with `values` of each parameter in its place and zeros between. */
function joined(
  places: readonly Place[],
  values: (variable: tf.Variable) => tf.Tensor1D,
  length: number,
): tf.Tensor1D {
  const parts = places.flatMap(({ variable, offset }, index) => {
    const end = places[index + 1]?.offset ?? length;
    const gap = end - offset - variable.size;
    return gap > 0 ? [values(variable), tf.zeros<tf.Rank.R1>([gap])] : [values(variable)];
  });
  return parts.length === 1 ? parts[0]!.clone() : tf.concat(parts);
}
