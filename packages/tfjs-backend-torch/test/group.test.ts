import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  castStorage,
  freePort,
  joinGroup,
  joinPart,
  memoryStatistics,
  registerTorch,
  storageOf,
  TorchDisposedError,
  TorchGroupError,
  type TorchProcessGroup,
} from '../src/index.ts';

// All ranks of a world in this one process: collectives are started on each and then waited for.

async function worldOf(worldSize: number, timeoutSeconds = 20): Promise<readonly TorchProcessGroup[]> {
  const where = { worldSize, masterAddress: '127.0.0.1', masterPort: await freePort(), timeoutSeconds };
  return Promise.all(Array.from({ length: worldSize }, (_, rank) => joinGroup({ rank, ...where })));
}

const values = async (tensor: tf.Tensor) => [...(await tensor.data())];

beforeAll(async () => {
  registerTorch();
  await tf.setBackend('torch');
});

describe.each([1, 2, 3])('a world of %i', (worldSize) => {
  let world: readonly TorchProcessGroup[];
  beforeAll(async () => {
    world = await worldOf(worldSize);
  });
  afterAll(async () => {
    await Promise.all(world.map((group) => group.close()));
  });
  const onEach = <T>(call: (group: TorchProcessGroup) => Promise<T>) => Promise.all(world.map(call));

  it('combines whatever the ranks bring, as adding and comparing by hand does', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 9 }),
        fc.constantFrom('sum', 'mean', 'max'),
        async (numbers, operation) => {
          const own = (rank: number) => numbers.map((value) => value * (rank + 1) - rank);
          const results = await onEach(async (group) => {
            const tensors = [tf.tensor1d(own(group.rank)), tf.scalar(group.rank, 'int32')];
            return Promise.all((await group.allReduce(tensors, operation as 'sum')).map(values));
          });
          const columns = numbers.map((_, i) => world.map((_, rank) => own(rank)[i]!));
          const sums = columns.map((column) => column.reduce((a, b) => a + b, 0));
          const expected = {
            sum: sums,
            mean: sums.map((sum) => Math.fround(sum / worldSize)),
            max: columns.map((column) => Math.max(...column)),
          };
          for (const [first] of results) expect(first).toEqual(expected[operation as 'sum']);
          expect(results[0]![1]).toEqual([
            { sum: (worldSize * (worldSize - 1)) / 2, mean: (worldSize - 1) / 2, max: worldSize - 1 }[
              operation as 'sum'
            ],
          ]);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('gathers in rank order, scatters sums and spreads the source', async () => {
    const gathered = await onEach(async (group) => {
      const all = await group.allGather(tf.tensor2d([[group.rank, 10]]));
      expect(all.shape).toEqual([worldSize, 2]);
      return values(all);
    });
    for (const all of gathered) expect(all).toEqual(world.flatMap((_, rank) => [rank, 10]));
    const scattered = await onEach(async (group) =>
      values(await group.reduceScatter(tf.mul(tf.range(0, 2 * worldSize, 1, 'float32'), group.rank + 1))),
    );
    const times = (worldSize * (worldSize + 1)) / 2;
    expect(scattered).toEqual(world.map((_, rank) => [2 * rank * times, (2 * rank + 1) * times]));
    const source = worldSize - 1;
    const spread = await onEach(async (group) => {
      const mine = castStorage(tf.tensor1d([group.rank + 0.5]), 'bfloat16');
      const [half, whole] = await group.broadcast([mine, tf.scalar(group.rank === source, 'bool')], source);
      expect(storageOf(half!)).toBe('bfloat16');
      return [await values(half!), await values(whole!)];
    });
    for (const both of spread) expect(both).toEqual([[source + 0.5], [1]]);
    await onEach((group) => group.barrier());
  });

  it('fills a vector in place, in any storage, and counts the bytes of others', async () => {
    for (const [storage, bytes] of [
      ['float32', 4],
      ['bfloat16', 2],
    ] as const) {
      const before = world.map((group) => group.traffic());
      const wholes = world.map(() => castStorage(tf.zeros([3 * worldSize]), storage));
      const shards = world.map(({ rank }) => castStorage(tf.fill([3], rank + 1), storage));
      const started = world.map((group, rank) => group.startAllGather(shards[rank]!, wholes[rank]!));
      for (const pending of started) pending.wait();
      const expected = world.flatMap((_, rank) => [rank + 1, rank + 1, rank + 1]);
      for (const whole of wholes) expect(await values(whole)).toEqual(expected);
      const sums = world.map((group, rank) => group.startReduceScatter(wholes[rank]!));
      for (const [rank, pending] of sums.entries())
        expect(await values(pending.wait())).toEqual([1, 1, 1].map((one) => one * (rank + 1) * worldSize));
      for (const [rank, group] of world.entries()) {
        const { sentBytes, receivedBytes } = group.traffic();
        expect(receivedBytes - before[rank]!.receivedBytes).toBe(2 * 3 * bytes * (worldSize - 1));
        expect(sentBytes - before[rank]!.sentBytes).toBe(2 * 3 * bytes * (worldSize - 1));
      }
    }
  });
});

describe('parts of a world', () => {
  it('are groups of their own, numbered as they are listed', async () => {
    const where = {
      worldSize: 3,
      masterAddress: '127.0.0.1',
      masterPort: await freePort(),
      timeoutSeconds: 20,
    };
    const places = [0, 1, 2].map((rank) => ({ rank, ...where }));
    const world = await Promise.all(places.map((place) => joinGroup(place)));
    const pair = await Promise.all([2, 0].map((rank) => joinPart(places[rank]!, [2, 0])));
    const single = await joinPart(places[1]!, [1]);
    const gathered = await Promise.all(pair.map((group) => group.allGather(tf.tensor1d([group.rank + 5]))));
    for (const all of gathered) expect(await values(all)).toEqual([5, 6]);
    const sums = pair.map((group) => group.startAllReduce(tf.tensor1d([1, group.rank])));
    for (const sum of sums) expect(await values(sum.wait())).toEqual([2, 1]);
    // 2 values there and back, half of each.
    expect(pair[0]!.traffic().receivedBytes).toBe(4 + 8);
    expect(await values(single.startAllReduce(tf.tensor1d([7])).wait())).toEqual([7]);
    await expect(joinPart(places[1]!, [0, 2])).rejects.toThrow('list rank 1');
    await Promise.all([...world, ...pair, single].map((group) => group.close()));
  });
});

describe('a group that fails', () => {
  it('names the rank that did not come', async () => {
    const where = { worldSize: 2, masterAddress: '127.0.0.1', masterPort: await freePort() };
    const joining = joinGroup({ rank: 0, ...where, timeoutSeconds: 1 });
    await expect(joining).rejects.toThrow('rank 1 did not come within 1 s');
    await expect(joining).rejects.toMatchObject({ code: 'TORCH_ENGINE_GROUP', failure: 'timeout' });
  });

  it('names the rank that does not answer, and is of no more use', async () => {
    const [first, second] = await worldOf(2, 3);
    const waiting = first!.allGather(tf.scalar(1));
    await expect(waiting).rejects.toThrow('all-gather 0 of rank 0: rank 1 did not answer within 3 s');
    await expect(waiting).rejects.toBeInstanceOf(TorchGroupError);
    await expect(first!.barrier()).rejects.toThrow('an earlier collective failed: all-gather 0');
    await Promise.all([first!.close(), second!.close()]);
  });

  it('names the rank that has gone and repeats its last words', async () => {
    const [first, second] = await worldOf(2);
    second!.fail('out of memory');
    await second!.close();
    const waiting = first!.reduceScatter(tf.tensor1d([1, 2]));
    await expect(waiting).rejects.toThrow(/rank 1 has gone.*rank 1 said: out of memory/);
    await expect(waiting).rejects.toMatchObject({ failure: 'gone' });
    await first!.close();
  });

  it('refuses a rank outside the world', async () => {
    const where = { worldSize: 2, masterAddress: '127.0.0.1', masterPort: 1 };
    await expect(joinGroup({ rank: 2, ...where })).rejects.toThrow('rank is 2: use 0 to 1');
  });
});

describe('released storage', () => {
  it('frees the memory of a tensor and its views, refuses their use and comes back', async () => {
    const whole = tf.zeros([1 << 20]);
    const view = tf.slice(whole, [4], [4]);
    const run = (name: string) =>
      tf.engine().runKernel(name, { whole, views: [view] } as unknown as tf.NamedTensorMap);
    const before = memoryStatistics().allocatedBytes;
    run('ReleaseStorage');
    expect(before - memoryStatistics().allocatedBytes).toBe(1 << 22);
    expect(() => tf.add(view, 1)).toThrow(TorchDisposedError);
    expect(() => tf.add(view, 1)).toThrow('a sharded parameter was used outside of its unit');
    run('RestoreStorage');
    expect(memoryStatistics().allocatedBytes).toBe(before);
    tf.engine().runKernel('AssignInPlace', { target: whole, source: tf.range(0, 1 << 20) } as never);
    expect(await values(view)).toEqual([4, 5, 6, 7]);
    run('ReleaseStorage');
    tf.dispose([whole, view]);
    expect(() => tf.add(view, 1)).toThrow();
  });
});
