import type * as tf from '@tensorflow/tfjs-core';
import { enclose, recomputing } from '@thinkrl/nn';
import type { FlatParameters } from './flat-parameters.ts';

/** What units of a sharded module have in common. */
export interface UnitContext {
  readonly anchor: tf.Variable;
  readonly reshardAfterForward: boolean;
  /** Off while gradients accumulate without communication. */
  communicates(): boolean;
  /** Is told that a unit was gathered, to send for the one that will be needed next. */
  gathered(unit: Unit): void;
  /** Agrees with the other ranks what to gather next, and gathers it; false where all need the same anyway. */
  agree(unit: Unit): boolean;
  /** Is given the means to free what a unit keeps for a backward pass that may never come. */
  recorded(discard: () => void): void;
}

/** Parameters that are gathered, used and freed together. */
export class Unit {
  readonly name: string;
  readonly flats: readonly FlatParameters[];
  private readonly context: UnitContext;
  private readonly trainable: ReadonlySet<tf.Variable>;
  private depth = 0;
  private held = 0;

  constructor(name: string, flats: readonly FlatParameters[], context: UnitContext) {
    this.name = name;
    this.flats = flats;
    this.context = context;
    const trained = flats.filter(({ options }) => options.trainable);
    this.trainable = new Set(trained.flatMap((flat) => [...flat.variables.values()]));
  }

  /** Runs a computation with the parameters here, and again here for its gradient. */
  run<Result>(fn: () => Result): Result {
    if (this.depth > 0) return fn();
    return enclose({
      run: () => this.forward(fn),
      owned: this.trainable,
      anchor: this.context.anchor,
      backward: (replay) => this.backward(replay),
      recorded: (discard) => this.context.recorded(discard),
    });
  }

  /** Has the parameters here. */
  gather(): void {
    if (this.flats.every((flat) => flat.isHere) || this.context.agree(this)) return;
    for (const flat of this.flats) flat.prefetch();
    for (const flat of this.flats) flat.gather();
  }

  /** Takes part in a gathering that some ranks need, this one with `keep`. */
  assist(keep: boolean): void {
    for (const flat of this.flats) flat.assist(keep);
  }

  /** Starts to gather, without waiting. */
  prefetch(): void {
    for (const flat of this.flats) flat.prefetch();
  }

  /** Frees the parameters unless they are held. */
  release(): void {
    if (this.held > 0 || this.depth > 0) return;
    for (const flat of this.flats) flat.release();
  }

  /** Keeps the parameters here until the returned function is called. */
  hold(): () => void {
    this.gather();
    this.held++;
    return () => {
      this.held--;
      this.release();
    };
  }

  private forward<Result>(fn: () => Result): Result {
    this.arrive();
    this.depth++;
    try {
      return fn();
    } finally {
      this.depth--;
      if (this.context.reshardAfterForward && !recomputing()) this.release();
    }
  }

  private backward(replay: () => ReadonlyMap<tf.Variable, tf.Tensor>): void {
    this.arrive();
    this.depth++;
    try {
      const gradients = replay();
      for (const flat of this.flats)
        if (flat.options.trainable) flat.reduce(gradients, this.context.communicates());
      for (const gradient of gradients.values()) gradient.dispose();
    } finally {
      this.depth--;
      this.release();
    }
  }

  private arrive(): void {
    this.gather();
    this.context.gathered(this);
  }
}
