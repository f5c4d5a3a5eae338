import { memory, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { ConfigError } from '@thinkrl/spec';
import { beforeAll, describe, expect, it } from 'vitest';
import { averageGradients, rankEnvironment, singleProcess } from '../src/index.ts';
import { fakeWorld } from '../src/testing/index.ts';

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
