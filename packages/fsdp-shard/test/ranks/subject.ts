import type * as tf from '@tensorflow/tfjs-core';
import type { Module, ParameterMap } from '@thinkrl/nn';
import type { UnitOptions } from '../../src/index.ts';
import type { Rows } from './batch.ts';

/** A model to be trained, sharded or not. */
export interface Subject {
  readonly model: Module;
  /** The parts that are gathered one at a time. */
  readonly units: readonly (Module | UnitOptions)[];
  /** The model's and those of its adapter. */
  readonly parameters: ParameterMap;
  /** The mean over the rows of a part of a step's batch. */
  loss(step: number, part: Rows): tf.Scalar;
  /** Makes blocks run again for their gradient; after sharding. */
  checkpoint(): void;
}

/** What adapters of tests are. */
export const ADAPTER = { rank: 2, alpha: 4 } as const;
