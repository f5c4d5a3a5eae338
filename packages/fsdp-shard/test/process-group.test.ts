import { memory, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { ConfigError } from '@thinkrl/spec';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  averageGradients,
  combineShares,
  fromEveryRank,
  leastOverRanks,
  meshOf,
  onAnyRank,
  rankEnvironment,
  sameEverywhere,
  singleProcess,
  together,
  withGroup,
} from '../src/index.ts';
import { fakeMesh, fakeWorld } from '../src/testing/index.ts';

beforeAll(async () => {
  await useEngine({ engine: 'cpu' });
});

describe('singleProcess', () => {
  it('leaves every tensor as it is and owns nothing', async () => {
    const group = singleProcess();
    const x = tensor([1, 2]);
    const before = memory().numTensors;
    const results = [
      ...(await group.allReduce([x], 'mean')),
      await group.allGather(x),
      await group.reduceScatter(x),
      ...(await group.broadcast([x], 0)),
    ];
    for (const result of results) expect([...(await result.data())]).toEqual([1, 2]);
    for (const result of results) result.dispose();
    expect(memory().numTensors).toBe(before);
  });
});

describe('fakeWorld', () => {
  it('combines what the ranks bring, by hand: sum 4, 6; mean 2, 3; max 3, 4', async () => {
    const world = fakeWorld(2);
    const local = [tensor([1, 2]), tensor([3, 4])];
    const expected = { sum: [4, 6], mean: [2, 3], max: [3, 4] } as const;
    for (const [operation, values] of Object.entries(expected)) {
      const results = await Promise.all(
        world.map((group, r) => group.allReduce([local[r]!], operation as keyof typeof expected)),
      );
      for (const [result] of results) expect([...(await result!.data())]).toEqual(values);
    }
  });

  it('gathers in rank order, scatters the sum, broadcasts the source', async () => {
    const world = fakeWorld(2);
    const local = [tensor([1, 2]), tensor([3, 4])];
    const each = async (call: (rank: number) => Promise<Tensor>) =>
      Promise.all(world.map(async (_, rank) => [...(await (await call(rank)).data())]));
    expect(await each((r) => world[r]!.allGather(local[r]!))).toEqual([
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ]);
    expect(await each((r) => world[r]!.reduceScatter(local[r]!))).toEqual([[4], [6]]);
    expect(await each(async (r) => (await world[r]!.broadcast([local[r]!], 1))[0]!)).toEqual([
      [3, 4],
      [3, 4],
    ]);
  });

  it('averages gradients to the same values on every rank', async () => {
    const world = fakeWorld(2);
    const averaged = await Promise.all(
      world.map((group, r) => averageGradients(group, new Map([['w', tensor([r, 2 * r])]]))),
    );
    for (const gradients of averaged) expect([...(await gradients.get('w')!.data())]).toEqual([0.5, 1]);
  });
});

describe('combineShares', () => {
  const w = new Map([
    ['w', tensor([0, 0])],
    ['unused', tensor([0])],
  ]);
  const shareOf = (loss: number, values: number[]) => ({ loss, gradients: new Map([['w', tensor(values)]]) });

  it('averages over the ranks that have a share, and gives all ranks the same', async () => {
    const shares = [shareOf(1, [1, 2]), null, shareOf(4, [5, 8])];
    const before = memory().numTensors;
    const combined = await Promise.all(
      fakeWorld(3).map((group, rank) => combineShares(group, shares[rank]!, w)),
    );
    for (const share of combined) {
      expect(share!.loss).toBe(2.5);
      expect([...(await share!.gradients.get('w')!.data())]).toEqual([3, 5]);
      expect([...(await share!.gradients.get('unused')!.data())]).toEqual([0]);
      for (const gradient of share!.gradients.values()) gradient.dispose();
    }
    expect(memory().numTensors).toBe(before - 2);
  });

  it('weighs the shares: (1 · 3 + 4 · 1) / 4 = 1.75, ([1, 2] · 3 + [5, 8]) / 4 = [2, 3.5]', async () => {
    const shares = [{ ...shareOf(1, [1, 2]), weight: 3 }, null, { ...shareOf(4, [5, 8]), weight: 1 }];
    const combined = await Promise.all(
      fakeWorld(3).map((group, rank) => combineShares(group, shares[rank]!, w)),
    );
    for (const share of combined) {
      expect(share!.loss).toBe(1.75);
      expect([...(await share!.gradients.get('w')!.data())]).toEqual([2, 3.5]);
    }
  });

  it('is not finite anywhere when it is not somewhere, and null when nobody has a share', async () => {
    const shares = [shareOf(1, [1, 2]), shareOf(Number.NaN, [5, 8])];
    const bad = await Promise.all(fakeWorld(2).map((group, rank) => combineShares(group, shares[rank]!, w)));
    for (const share of bad) expect(share!.loss).toBeNaN();
    expect(await Promise.all(fakeWorld(2).map((group) => combineShares(group, null, w)))).toEqual([
      null,
      null,
    ]);
  });
});

describe('onAnyRank', () => {
  it.each([
    [[false, false], false],
    [[false, true], true],
  ])('%j is %s on both', async (here, there) => {
    expect(await Promise.all(fakeWorld(2).map((group, rank) => onAnyRank(group, here[rank]!)))).toEqual([
      there,
      there,
    ]);
  });
});

describe('leastOverRanks', () => {
  it('is the smallest, on every rank', async () => {
    const own = [40, 20, 60];
    expect(await Promise.all(fakeWorld(3).map((group, rank) => leastOverRanks(group, own[rank]!)))).toEqual([
      20, 20, 20,
    ]);
    expect(await leastOverRanks(singleProcess(), 7)).toBe(7);
  });
});

describe('fromEveryRank', () => {
  it('tells every rank what each says, of whatever length', async () => {
    const own = ['é', { long: 'x'.repeat(100) }, [1.5, null]];
    const before = memory().numTensors;
    const heard = await Promise.all(
      fakeWorld(3).map((group, rank) => fromEveryRank<unknown>(group, own[rank])),
    );
    expect(heard).toEqual([own, own, own]);
    expect(await fromEveryRank(singleProcess(), 'alone')).toEqual(['alone']);
    expect(memory().numTensors).toBe(before);
  });
});

describe('together', () => {
  it('gives what the work of all ranks came to', async () => {
    const all = await Promise.all(fakeWorld(2).map((group) => together(group, async () => 10 * group.rank)));
    expect(all).toEqual([
      [0, 10],
      [0, 10],
    ]);
  });

  it('fails on every rank when it fails on one, there with its own error', async () => {
    const ends = await Promise.allSettled(
      fakeWorld(2).map((group) =>
        together(group, () => {
          if (group.rank === 1) throw new RangeError('no more room');
        }),
      ),
    );
    expect(ends).toMatchObject([
      { reason: { code: 'FSDP_OTHER_RANK', rank: 1, message: 'rank 1: no more room' } },
      { reason: expect.any(RangeError) },
    ]);
  });
});

describe('sameEverywhere', () => {
  const check = (...firsts: number[][]) =>
    Promise.allSettled(
      fakeWorld(firsts.length).map((group, rank) =>
        sameEverywhere(
          group,
          new Map([
            ['bias', tensor([7])],
            ['weight', tensor(firsts[rank]!)],
          ]),
        ),
      ),
    );
  const values = [1.5, -0.25, 3];
  const off = [1.5, -0.25000003, 3];

  it('is content with equal values', async () => {
    for (const { status } of await check(values, values)) expect(status).toBe('fulfilled');
  });

  it.each([
    [[values, values, off], [2], 'of rank 2 differ from the others'],
    [[off, values, values, values], [0], 'of rank 0 differ from the others'],
    [[values, off], [0, 1], 'of ranks 0, 1 differ among themselves'],
  ])('tells every rank of a single different bit, where it is and whose: %#', async (firsts, ranks, text) => {
    for (const end of await check(...firsts)) {
      const reason = { code: 'FSDP_DIVERGED', ranks, parameter: 'weight' };
      expect(end).toMatchObject({ status: 'rejected', reason });
      expect((end as PromiseRejectedResult).reason.message).toContain(`${text}, first in weight`);
    }
  });

  it('compares ranks with those that keep the same part, and tells all of a different bit', async () => {
    const parts = (changed: number | null) =>
      Promise.allSettled(
        fakeMesh(6, 2).map(({ world, group }) => {
          const own = tensor(world.rank === changed ? off : [group.rank, ...values.slice(1)]);
          return sameEverywhere(world, new Map([['root', own]]), group.rank);
        }),
      );
    for (const { status } of await parts(null)) expect(status).toBe('fulfilled');
    const reason = { code: 'FSDP_DIVERGED', ranks: [3], parameter: 'root' };
    const message = expect.stringMatching(
      /rank 3 differ from the others, first in root; .*: 1: -?\d+, 3: -?\d+, 5: /,
    );
    for (const end of await parts(3)) expect(end).toMatchObject({ reason: { ...reason, message } });
  });
});

describe('withGroup', () => {
  it('leaves the group, and leaves word when the work fails', async () => {
    const said: string[] = [];
    let closed = 0;
    const group = {
      ...singleProcess(),
      fail: (problem: string) => said.push(problem),
      close: async () => void closed++,
    };
    expect(await withGroup(group, async ({ rank }) => rank)).toBe(0);
    const failing = withGroup(group, async () => {
      throw new RangeError('no more room');
    });
    await expect(failing).rejects.toThrow(RangeError);
    expect([said, closed]).toEqual([['no more room'], 2]);
  });
});

describe('meshOf', () => {
  it('numbers node by node', () => {
    expect(meshOf({ rank: 5, worldSize: 8 }, 4)).toEqual({ node: [4, 5, 6, 7], replicas: [1, 5] });
    expect(meshOf({ rank: 2, worldSize: 4 }, 1)).toEqual({ node: [2], replicas: [0, 1, 2, 3] });
    expect(() => meshOf({ rank: 0, worldSize: 4 }, 3)).toThrow('perNode is 3: use a divisor of the world');
  });
});

describe('rankEnvironment', () => {
  it('is alone without variables and reads those of torchrun', () => {
    expect(rankEnvironment({})).toMatchObject({ rank: 0, worldSize: 1 });
    const env = { RANK: '3', LOCAL_RANK: '1', WORLD_SIZE: '4', MASTER_ADDR: 'node0', MASTER_PORT: '1234' };
    expect(rankEnvironment(env)).toEqual({
      rank: 3,
      localRank: 1,
      worldSize: 4,
      masterAddress: 'node0',
      masterPort: 1234,
      serves: false,
      prefix: 'thinkrl/0',
    });
    expect(rankEnvironment({ ...env, RANK: '0' }).serves).toBe(true);
    const restarted = {
      ...env,
      RANK: '0',
      TORCHELASTIC_USE_AGENT_STORE: 'True',
      TORCHELASTIC_RESTART_COUNT: '2',
    };
    expect(rankEnvironment(restarted)).toMatchObject({ serves: false, prefix: 'thinkrl/2' });
  });

  it('names the variable that is wrong', () => {
    expect(() => rankEnvironment({ RANK: '4', WORLD_SIZE: '4' })).toThrow('RANK is 4: use 0 to 3');
    expect(() => rankEnvironment({ WORLD_SIZE: 'four' })).toThrow(ConfigError);
  });
});
