import type * as tf from '@tensorflow/tfjs-core';
import type { Piece } from './shards/piece.ts';

/** A variable that this rank keeps of some parameters; the optimiser steps it where they are trained. */
export interface KeptPart {
  /** Its name among a module's shards. */
  readonly name: string;
  readonly values: tf.Variable;
  /** The parameters that it is a part of, by name. */
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  /** What of them lies in it. */
  readonly pieces: readonly Piece[];
}

/** Those parameters of a unit that get gradients, or those that get none, however this rank keeps them. */
export interface UnitParameters {
  readonly trainable: boolean;
  readonly variables: ReadonlyMap<string, tf.Variable>;
  /** Values that a unit which is here takes up. */
  readonly size: number;
  /** Whether they are always here, so that nothing is gathered, freed or sent while a pass goes on. */
  readonly resident: boolean;
  /** Whether they are here now. */
  readonly isHere: boolean;
  readonly kept: readonly KeptPart[];
  /** Starts to gather them unless they are here or on their way. */
  prefetch(): void;
  /** Has them here when it returns. */
  gather(): void;
  /** Takes part in a gathering of all ranks, whether they are here or not; they stay if they were or with `keep`. */
  assist(keep: boolean): void;
  /** Frees them but for what this rank keeps. */
  release(): void;
  /** Takes gradients of a backward pass, which are now its own: kept here with `communicate` off, else sent on their way. */
  reduce(gradients: ReadonlyMap<tf.Variable, tf.Tensor>, communicate: boolean): void;
  /** Sends what {@link UnitParameters.reduce} kept here, if anything. */
  send(): void;
  /** Sends it times `weight`, zeros where that is nothing. */
  sendAll(weight: number): void;
  /** Waits for what was sent and starts to add it up with those who keep the same part, if there are any. */
  spread(): void;
  /**
   * The mean over all ranks of what was {@link UnitParameters.spread}, by names of {@link UnitParameters.kept}; nothing when
   * nothing was. The caller owns it.
   */
  takeGradients(): ReadonlyMap<string, tf.Tensor>;
  /** Lets go of what {@link UnitParameters.reduce} kept here. */
  discard(): void;
  dispose(): void;
}
