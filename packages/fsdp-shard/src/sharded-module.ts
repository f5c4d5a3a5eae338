import * as tf from '@tensorflow/tfjs-core';
import { gradients as differentiate, type Objective, type ParameterMap, squaredNorm } from '@thinkrl/nn';
import { ShardError } from './error.ts';
import { Prefetcher } from './prefetcher.ts';
import type { ShardingGroup } from './process-group.ts';
import type { Unit, UnitContext } from './unit.ts';

/** The loss of this rank, its statistics, and the gradients of all ranks' mean loss by this rank's shards. */
export interface ShardedGradients<Stats extends string = string> {
  readonly loss: tf.Scalar;
  readonly stats: Readonly<Record<Stats, tf.Tensor>>;
  /** By the names of {@link ShardedModule.shards}. */
  readonly gradients: ReadonlyMap<string, tf.Tensor>;
  dispose(): void;
}

interface ShardedOptions {
  readonly group: ShardingGroup;
  readonly replicas: ShardingGroup | null;
  readonly reshardAfterForward: boolean;
}

/** What one rank holds of a module whose parameters are shared out over a group; made by `fullyShard`. */
export class ShardedModule {
  readonly group: ShardingGroup;
  /** The ranks that keep the same part; null where nobody else does. */
  readonly replicas: ShardingGroup | null;
  readonly units: readonly Unit[];
  private readonly anchor: tf.Variable;
  private readonly prefetcher = new Prefetcher();
  private readonly kept = new Set<() => void>();
  private accumulating = false;
  private stepping = false;
  private agreement: ((unit: Unit) => void) | null = null;

  /** @internal Use `fullyShard`. */
  constructor(
    { group, replicas, reshardAfterForward }: ShardedOptions,
    makeUnits: (context: UnitContext) => readonly Unit[],
  ) {
    this.group = group;
    this.replicas = replicas;
    this.anchor = tf.tidy(() => tf.variable(tf.scalar(0)));
    this.units = makeUnits({
      anchor: this.anchor,
      reshardAfterForward,
      communicates: () => !this.accumulating,
      gathered: (unit) => {
        if (this.stepping && this.agreement === null) this.prefetcher.gathered(unit);
      },
      agree: (unit) => {
        this.agreement?.(unit);
        return this.agreement !== null;
      },
      recorded: (discard) => this.kept.add(discard),
    });
  }

  /** This rank's trainable parts by unit: what the optimiser steps, what a checkpoint keeps. */
  shards(): ParameterMap {
    const trained = this.units.flatMap((unit) =>
      unit.flats.flatMap(({ options, shard }) => (options.trainable ? [[unit.name, shard] as const] : [])),
    );
    return new Map(trained);
  }

  /**
   * Evaluates `objective` on this rank's part of the batch and gives the gradients of the mean over all ranks' losses.
   * Every rank calls it, with an objective that runs the same units in the same order.
   *
   * @throws an error of the group when another rank fails.
   */
  gradients<Stats extends string = never>(objective: () => Objective<Stats>): ShardedGradients<Stats> {
    const { loss, stats } = this.pass(objective, false);
    for (const { flats } of this.units) for (const flat of flats) flat.send();
    const gradients = this.take();
    const dispose = () => tf.dispose([loss, ...Object.values<tf.Tensor>(stats), ...gradients.values()]);
    return { loss, stats, gradients, dispose };
  }

  /**
   * The gradients of what all ranks have accumulated, each times a weight of its own, as a mean over the ranks: those who have
   * nothing count as zeros. Every rank calls it. The caller owns them.
   */
  collect(weight = 1): ReadonlyMap<string, tf.Tensor> {
    for (const { flats } of this.units)
      for (const flat of flats) if (flat.options.trainable) flat.sendAll(weight);
    return this.take();
  }

  /**
   * Evaluates `objective` and adds its gradients to what the next {@link gradients} sends, without communication; they
   * are whole until then. The caller owns the loss and the statistics.
   */
  accumulate<Stats extends string = never>(
    objective: () => Objective<Stats>,
  ): Pick<ShardedGradients<Stats>, 'loss' | 'stats'> {
    return this.pass(objective, true);
  }

  /** Norm over the gradients of all ranks; the same number on each. */
  async globalNorm(gradients: ReadonlyMap<string, tf.Tensor>): Promise<number> {
    const own = squaredNorm([...gradients.values()]);
    const all = await this.group.allGather(own);
    const square = ((await all.data()) as Float32Array).reduce((sum, part) => sum + part, 0);
    tf.dispose([own, all]);
    return Math.fround(Math.sqrt(square));
  }

  /** Runs `fn` with the trained parameters here and whole, such as an adapter's for saving; called by every rank. */
  async withTrained<Result>(fn: () => Result | Promise<Result>): Promise<Result> {
    const flats = this.units.flatMap((unit) => unit.flats.filter(({ options }) => options.trainable));
    for (const flat of flats) flat.gather();
    try {
      return await fn();
    } finally {
      for (const flat of flats) flat.release();
    }
  }

  /**
   * Has `agree` gather each unit that is needed until the returned function is called.
   *
   * @internal Use `inStep`.
   */
  agreeBy(agree: (unit: Unit) => void): () => void {
    this.agreement = agree;
    return () => {
      this.agreement = null;
    };
  }

  /**
   * Runs `fn` with all parameters here and whole, as sampling needs where ranks do different things, and frees them after
   * it. Within it nothing is communicated.
   */
  async withWhole<Result>(fn: () => Result | Promise<Result>): Promise<Result> {
    const letGo = this.units.map((unit) => unit.hold());
    try {
      return await fn();
    } finally {
      for (const free of letGo) free();
    }
  }

  /** Frees this rank's parts. The module is of no more use. */
  dispose(): void {
    for (const { flats } of this.units) for (const flat of flats) flat.dispose();
    this.anchor.dispose();
  }

  private take(): ReadonlyMap<string, tf.Tensor> {
    for (const { flats } of this.units) for (const flat of flats) flat.spread();
    const gradients = new Map<string, tf.Tensor>();
    for (const { name, flats } of this.units)
      for (const flat of flats) {
        const gradient = flat.takeGradient();
        if (gradient !== null) gradients.set(name, gradient);
      }
    return gradients;
  }

  private pass<Stats extends string>(objective: () => Objective<Stats>, accumulating: boolean) {
    if (this.stepping) throw new ShardError('a gradient of a sharded module was asked for inside another');
    this.stepping = true;
    this.accumulating = accumulating;
    this.prefetcher.begin();
    try {
      const { loss, stats, gradients } = differentiate(objective, new Map([['anchor', this.anchor]]));
      tf.dispose([...gradients.values()]);
      this.letGo();
      return { loss, stats };
    } catch (error) {
      try {
        this.letGo();
      } catch {} // when a group has failed, its units fail as well: the first failure is what there is to tell
      throw error;
    }
  }

  /** Frees what a pass has kept and gathered. */
  private letGo(): void {
    this.stepping = false;
    this.accumulating = false;
    for (const discard of this.kept) discard();
    this.kept.clear();
    for (const unit of this.units) unit.release();
  }
}
