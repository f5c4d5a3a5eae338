import { tensor, type Variable } from '@tensorflow/tfjs-core';
import { type FullyShardOptions, fullyShard } from '@thinkrl/fsdp-shard';
import { AdamW, ExponentialAverage, FeedForward } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import type { CheckpointModule } from '../src/index.ts';

/** 3 inputs: 12 + 36 parameters and their biases, which no world of 2 or 4 divides evenly. */
export const network = (seed: number) => new FeedForward({ size: 3, key: Key.of(seed) });

/** A network, its optimiser and its average, as a rank of a group keeps them; unsharded without one. */
export function member(
  seed: number,
  groups?: Pick<FullyShardOptions, 'group' | 'replicas'>,
): CheckpointModule {
  const model = network(seed);
  const sharded = groups && fullyShard(model, { ...groups, units: [model.up] });
  const parameters = sharded?.shards() ?? model.parameters();
  const optimizer = AdamW.create({ parameters, learningRate: 0.1 });
  const average = new ExponentialAverage(parameters);
  return { name: 'generation', parameters, optimizer, average, ...(sharded && { sharded }) };
}

/** Everything a rank keeps, by the kind of it. */
function kept({ parameters, optimizer, average }: CheckpointModule): ReadonlyMap<string, Variable> {
  const named = (kind: string, variables: ReadonlyMap<string, Variable>) =>
    [...variables].map(([name, variable]) => [`${kind}/${name}`, variable] as const);
  const { moments } = optimizer.state();
  return new Map([
    ...named('weights', parameters),
    ...named('moments', moments),
    ...named('average', average!.values()),
  ]);
}

/** Fills everything with numbers of its own and takes the optimiser to step 7. */
export function filled(module: CheckpointModule): CheckpointModule {
  const stream = Key.of(9).stream();
  for (const variable of kept(module).values())
    variable.assign(
      tensor(
        Float32Array.from({ length: variable.size }, () => stream.normal()),
        variable.shape,
      ),
    );
  module.optimizer.continueAt(7);
  return module;
}

/** The numbers of everything a rank keeps. */
export const valuesOf = (module: CheckpointModule) =>
  Object.fromEntries([...kept(module)].map(([name, variable]) => [name, [...variable.dataSync()]]));
