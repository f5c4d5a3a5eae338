import { addN, concat, div, maximum, split, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { ShardError } from '../error.ts';
import type { ProcessGroup, ReduceOperation, ShardingGroup } from '../process-group.ts';

type Arrival = { readonly tensors: readonly Tensor[]; resolve(all: readonly (readonly Tensor[])[]): void };

/**
 * `worldSize` process groups inside one process: each collective waits until every rank has called it. For testing
 * code that is written against {@link ProcessGroup}.
 *
 * @example
 * const [a, b] = fakeWorld(2);
 * const [[sumA], [sumB]] = await Promise.all([a.allReduce([x], 'sum'), b.allReduce([y], 'sum')]);
 */
export function fakeWorld(worldSize: number): readonly ProcessGroup[] {
  let arrivals: Arrival[] = [];
  const order = new Map<number, Arrival>();
  const meet = (rank: number, tensors: readonly Tensor[]) =>
    new Promise<readonly (readonly Tensor[])[]>((resolve) => {
      order.set(rank, { tensors, resolve });
      if (order.size < worldSize) return;
      arrivals = Array.from({ length: worldSize }, (_, r) => order.get(r)!);
      order.clear();
      const everyone = arrivals.map((arrival) => arrival.tensors);
      for (const arrival of arrivals) arrival.resolve(everyone);
    });
  return Array.from({ length: worldSize }, (_, rank) => member(rank, worldSize, meet));
}

/**
 * {@link fakeWorld} for modules that are shared out, saved and loaded but not computed with: while a rank blocks for a
 * gather, no other rank of this process could come to it.
 */
export function fakeShardingWorld(worldSize: number): readonly ShardingGroup[] {
  const refuse = () => {
    throw new ShardError('ranks of one process cannot gather: start a process for each');
  };
  return fakeWorld(worldSize).map((group) => ({
    ...group,
    startAllGather: refuse,
    startReduceScatter: refuse,
    startAllReduce: refuse,
    traffic: () => ({ sentBytes: 0, receivedBytes: 0, collectives: 0 }),
    fail: () => {},
  }));
}

/** The groups that a rank of a hybrid world belongs to. */
export interface FakeMeshMember {
  readonly world: ShardingGroup;
  readonly group: ShardingGroup;
  readonly replicas: ShardingGroup;
}

/**
 * {@link fakeShardingWorld} whose ranks share parameters out within nodes of `perNode` and repeat them across, numbered as
 * `meshOf` does.
 *
 * @example
 * fakeMesh(4, 2).map(({ group, replicas }) => fullyShard(model(), { group, replicas, units: [] }));
 */
export function fakeMesh(worldSize: number, perNode: number): readonly FakeMeshMember[] {
  const nodes = Array.from({ length: worldSize / perNode }, () => fakeShardingWorld(perNode));
  const repeated = Array.from({ length: perNode }, () => fakeShardingWorld(worldSize / perNode));
  return fakeShardingWorld(worldSize).map((world, rank) => {
    const [node, place] = [Math.floor(rank / perNode), rank % perNode];
    return { world, group: nodes[node]![place]!, replicas: repeated[place]![node]! };
  });
}

function member(
  rank: number,
  worldSize: number,
  meet: (rank: number, tensors: readonly Tensor[]) => Promise<readonly (readonly Tensor[])[]>,
): ProcessGroup {
  return {
    rank,
    worldSize,
    async allReduce(tensors, operation) {
      const all = await meet(rank, tensors);
      return tensors.map((_, i) =>
        reduce(
          all.map((theirs) => theirs[i]!),
          operation,
        ),
      );
    },
    async allGather(shard) {
      const all = await meet(rank, [shard]);
      return concat(all.map((theirs) => theirs[0]!));
    },
    async reduceScatter(tensor) {
      const all = await meet(rank, [tensor]);
      return tidy(() =>
        split(
          reduce(
            all.map((theirs) => theirs[0]!),
            'sum',
          ),
          worldSize,
        )[rank]!.clone(),
      );
    },
    async broadcast(tensors, source) {
      const all = await meet(rank, tensors);
      return all[source]!.map((tensor) => tensor.clone());
    },
    async barrier() {
      await meet(rank, []);
    },
    async close() {},
  };
}

function reduce(tensors: readonly Tensor[], operation: ReduceOperation): Tensor {
  return tidy(() => {
    if (operation === 'max')
      return tensors
        .slice(1)
        .reduce((most, next) => maximum(most, next), tensors[0]!)
        .clone();
    const sum = addN([...tensors]);
    return operation === 'mean' ? div(sum, tensors.length) : sum;
  });
}
