import type * as tf from '@tensorflow/tfjs-core';
import { enclose, recomputing } from '@thinkrl/nn';
import type { UnitParameters } from './unit-parameters.ts';

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
  readonly parameters: readonly UnitParameters[];
  /** The parameters that get gradients. */
  readonly trained: ReadonlySet<tf.Variable>;
  /** Whether all parameters are always here: it then computes as if nothing was shared out. */
  readonly resident: boolean;
  private readonly context: UnitContext;
  private depth = 0;
  private held = 0;
  private sentFor = false;

  constructor(name: string, parameters: readonly UnitParameters[], context: UnitContext) {
    this.name = name;
    this.parameters = parameters;
    this.context = context;
    const trained = parameters.filter(({ trainable }) => trainable);
    this.trained = new Set(trained.flatMap(({ variables }) => [...variables.values()]));
    this.resident = parameters.every(({ resident }) => resident);
  }

  /** Runs a computation with the parameters here, and again here for its gradient. */
  run<Result>(fn: () => Result): Result {
    if (this.depth > 0 || this.resident) return fn();
    return enclose({
      run: () => this.forward(fn),
      owned: this.trained,
      anchor: this.context.anchor,
      backward: (replay) => this.backward(replay),
      recorded: (discard) => this.context.recorded(discard),
    });
  }

  /** Has the parameters here. */
  gather(): void {
    if (this.parameters.every(({ isHere }) => isHere) || this.context.agree(this)) return;
    for (const part of this.parameters) part.prefetch();
    for (const part of this.parameters) part.gather();
  }

  /** Takes part in a gathering that some ranks need, this one with `keep`. */
  assist(keep: boolean): void {
    this.sentFor = false;
    for (const part of this.parameters) part.assist(keep);
  }

  /** Starts to gather, without waiting. */
  prefetch(): void {
    for (const part of this.parameters) part.prefetch();
  }

  /** {@link prefetch} for a gathering that this rank takes part in later: until then nothing frees what is on its way. */
  sendFor(): void {
    if (this.parameters.some(({ isHere }) => isHere)) return;
    this.sentFor = true;
    this.prefetch();
  }

  /** Frees the parameters unless they are held. */
  release(): void {
    if (this.held > 0 || this.depth > 0 || this.sentFor) return;
    for (const part of this.parameters) part.release();
  }

  /** Takes gradients by the trained parameters, which are now its own. */
  reduce(gradients: ReadonlyMap<tf.Variable, tf.Tensor>): void {
    for (const part of this.parameters)
      if (part.trainable) part.reduce(gradients, this.context.communicates());
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
      this.reduce(replay());
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
