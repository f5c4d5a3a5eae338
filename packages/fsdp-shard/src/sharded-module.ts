import * as tf from '@tensorflow/tfjs-core';
import { gradients as differentiate, type Objective, type ParameterMap, squaredNorm } from '@thinkrl/nn';
import { ShardError } from './error.ts';
import { Prefetcher } from './prefetcher.ts';
import type { ShardingGroup } from './process-group.ts';
import type { Unit, UnitContext } from './unit.ts';
import type { KeptPart, UnitParameters } from './unit-parameters.ts';

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
  private readonly ownUnits: Unit[] = [];
  private readonly context: UnitContext;
  private readonly anchor: tf.Variable;
  private readonly prefetcher = new Prefetcher();
  private readonly discards = new Set<() => void>();
  private accumulating = false;
  private stepping = false;
  private agreement: ((unit: Unit) => void) | null = null;

  /** @internal Use `fullyShard`. */
  constructor({ group, replicas, reshardAfterForward }: ShardedOptions) {
    this.group = group;
    this.replicas = replicas;
    this.anchor = tf.tidy(() => tf.variable(tf.scalar(0)));
    this.context = {
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
      recorded: (discard) => this.discards.add(discard),
    };
  }

  /** Parts that are gathered one at a time. */
  get units(): readonly Unit[] {
    return this.ownUnits;
  }

  /** @internal Use `fullyShard`. */
  addUnit(make: (context: UnitContext) => Unit): void {
    this.ownUnits.push(make(this.context));
  }

  /**
   * This rank's trainable parts: what the optimiser steps, what a checkpoint keeps. A vector for every unit, by its name; where
   * the group is this rank alone, the parameters themselves, unless they are computed with in another storage or offloaded.
   */
  shards(): ParameterMap {
    return new Map(this.kept().map(({ name, values }) => [name, values]));
  }

  /**
   * The shards, with what lies where in them.
   *
   * @internal
   */
  kept(): readonly KeptPart[] {
    return this.trained().flatMap(({ kept }) => kept);
  }

  /**
   * Evaluates `objective` on this rank's part of the batch and gives the gradients of the mean over all ranks' losses.
   * Every rank calls it, with an objective that runs the same units in the same order.
   *
   * @throws an error of the group when another rank fails.
   */
  gradients<Stats extends string = never>(objective: () => Objective<Stats>): ShardedGradients<Stats> {
    const { loss, stats } = this.pass(objective, false);
    for (const part of this.trained()) part.send();
    const gradients = this.take();
    const dispose = () => tf.dispose([loss, ...Object.values<tf.Tensor>(stats), ...gradients.values()]);
    return { loss, stats, gradients, dispose };
  }

  /**
   * The gradients of what all ranks have accumulated, each times a weight of its own, as a mean over the ranks: those who have
   * nothing count as zeros. Every rank calls it. The caller owns them.
   */
  collect(weight = 1): ReadonlyMap<string, tf.Tensor> {
    for (const part of this.trained()) part.sendAll(weight);
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

  /** Lets go of what this rank has accumulated and nobody will collect. */
  discard(): void {
    for (const parameters of this.trained()) parameters.discard();
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
    const trained = this.trained();
    for (const part of trained) part.gather();
    try {
      return await fn();
    } finally {
      for (const part of trained) part.release();
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
    for (const part of this.parameters()) part.dispose();
    this.anchor.dispose();
  }

  private parameters(): readonly UnitParameters[] {
    return this.units.flatMap(({ parameters }) => parameters);
  }

  private trained(): readonly UnitParameters[] {
    return this.parameters().filter(({ trainable }) => trainable);
  }

  private take(): ReadonlyMap<string, tf.Tensor> {
    const trained = this.trained();
    for (const part of trained) part.spread();
    return new Map(trained.flatMap((part) => [...part.takeGradients()]));
  }

  private pass<Stats extends string>(objective: () => Objective<Stats>, accumulating: boolean) {
    if (this.stepping) throw new ShardError('a gradient of a sharded module was asked for inside another');
    this.stepping = true;
    this.accumulating = accumulating;
    this.prefetcher.begin();
    try {
      const { loss, stats, gradients } = differentiate(objective, this.leaves());
      this.reduceResident(gradients);
      this.letGo();
      return { loss, stats };
    } catch (error) {
      try {
        this.letGo();
      } catch {} // when a group has failed, its units fail as well: the first failure is what there is to tell
      throw error;
    }
  }

  /** What a pass differentiates by: the parameters of units that are always here, and the anchor of the others. */
  private leaves(): ParameterMap {
    const resident = this.units.flatMap((unit) => (unit.resident ? [...unit.trained] : []));
    return new Map([this.anchor, ...resident].map((variable) => [`${variable.id}`, variable]));
  }

  private reduceResident(byId: ReadonlyMap<string, tf.Tensor>): void {
    byId.get(`${this.anchor.id}`)?.dispose();
    for (const unit of this.units) {
      if (!unit.resident) continue;
      const found = [...unit.trained].map((variable) => [variable, byId.get(`${variable.id}`)] as const);
      unit.reduce(
        new Map(found.filter((entry): entry is [tf.Variable, tf.Tensor] => entry[1] !== undefined)),
      );
    }
  }

  /** Frees what a pass has kept and gathered. */
  private letGo(): void {
    this.stepping = false;
    this.accumulating = false;
    for (const discard of this.discards) discard();
    this.discards.clear();
    for (const unit of this.units) unit.release();
  }
}
