import * as tf from '@tensorflow/tfjs-core';
import { castStorage, copyTensor, noGrad, type StorageType } from '@thinkrl/nn';
import type { Pending, ShardingGroup } from './process-group.ts';
import { piecesOf } from './shards/piece.ts';
import type { KeptPart, UnitParameters } from './unit-parameters.ts';

/** How parameters are kept that nobody shares. */
export interface WholeOptions {
  /** The other ranks that keep them; null where nobody else does. */
  readonly replicas: ShardingGroup | null;
  readonly trainable: boolean;
  /** What they are stored in; trained ones are float32. */
  readonly storage: StorageType;
}

/** Parameters that are shared out over one rank alone: they stay as they are, and so do their gradients. */
export class WholeParameters implements UnitParameters {
  readonly trainable: boolean;
  readonly resident = true;
  readonly isHere = true;
  readonly variables: ReadonlyMap<string, tf.Variable>;
  private readonly replicas: ShardingGroup | null;
  private sums = new Map<tf.Variable, tf.Tensor>();
  private spreading: { readonly pending: Pending<tf.Tensor>; readonly sent: tf.Tensor } | null = null;

  constructor(parameters: ReadonlyMap<string, tf.Variable>, { replicas, trainable, storage }: WholeOptions) {
    this.variables = parameters;
    this.replicas = replicas;
    this.trainable = trainable;
    if (storage === 'float32') return;
    for (const variable of parameters.values())
      tf.tidy(() => variable.assign(copyTensor(castStorage<tf.Tensor>(variable, storage))));
  }

  get size(): number {
    return [...this.variables.values()].reduce((sum, { size }) => sum + size, 0);
  }

  get kept(): readonly KeptPart[] {
    return [...this.variables].map(([name, values]) => {
      const places = new Map([[name, { variable: values, offset: 0 }]]);
      const pieces = piecesOf(places, { begin: 0, size: values.size });
      return { name, values, parameters: new Map([[name, values]]), pieces };
    });
  }

  prefetch(): void {}

  gather(): void {}

  assist(): void {}

  release(): void {}

  reduce(gradients: ReadonlyMap<tf.Variable, tf.Tensor>): void {
    noGrad(() => {
      for (const variable of this.variables.values()) {
        const gradient = gradients.get(variable);
        const before = this.sums.get(variable);
        if (gradient === undefined) continue;
        this.sums.set(variable, tf.keep(before === undefined ? gradient : tf.add(before, gradient)));
        if (before !== undefined) tf.dispose([before, gradient]);
      }
    });
  }

  send(): void {}

  sendAll(weight: number): void {
    noGrad(() => {
      for (const variable of this.variables.values()) {
        const own = this.sums.get(variable);
        this.sums.set(variable, tf.keep(own === undefined ? tf.zerosLike(variable) : tf.mul(own, weight)));
        own?.dispose();
      }
    });
  }

  spread(): void {
    if (this.replicas === null || this.sums.size === 0) return;
    const sent = noGrad(() => tf.keep(tf.tidy(() => tf.concat(this.vectors()))));
    tf.dispose([...this.sums.values()]);
    this.sums.clear();
    this.spreading = { sent, pending: this.replicas.startAllReduce(sent) };
  }

  takeGradients(): ReadonlyMap<string, tf.Tensor> {
    if (this.spreading !== null) return this.meanOfReplicas();
    const { sums } = this;
    this.sums = new Map();
    if (sums.size === 0) return new Map();
    // As in a vector of all: what a pass does not use has a gradient of zeros.
    const gradientOf = (variable: tf.Variable) => sums.get(variable) ?? tf.keep(tf.zerosLike(variable));
    return noGrad(() => new Map([...this.variables].map(([name, variable]) => [name, gradientOf(variable)])));
  }

  discard(): void {
    tf.dispose([...this.sums.values()]);
    this.sums.clear();
  }

  dispose(): void {
    tf.dispose([...this.variables.values()]);
    this.discard();
  }

  private vectors(): tf.Tensor1D[] {
    return [...this.variables.values()].map((variable) =>
      tf.reshape(this.sums.get(variable) ?? tf.zerosLike(variable), [variable.size]),
    );
  }

  private meanOfReplicas(): ReadonlyMap<string, tf.Tensor> {
    const { pending, sent } = this.spreading!;
    this.spreading = null;
    const sum = pending.wait();
    sent.dispose();
    const gradients = noGrad(() => {
      const sizes = [...this.variables.values()].map(({ size }) => size);
      const parts = tf.tidy(() => tf.split(tf.div(sum, this.replicas!.worldSize), sizes));
      return new Map(
        [...this.variables].map(([name, { shape }], i) => {
          const gradient = tf.keep(tf.reshape(parts[i]!, shape));
          parts[i]!.dispose();
          return [name, gradient] as const;
        }),
      );
    });
    sum.dispose();
    return gradients;
  }
}
