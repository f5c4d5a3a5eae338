import type { Module } from '@thinkrl/nn';

/** A part of a model whose weights are gathered and freed together where they are sharded: `fullyShard` takes lists of it. */
export interface ShardUnit {
  readonly module: Module;
  /** The methods that compute with the weights. */
  readonly methods: readonly string[];
}
