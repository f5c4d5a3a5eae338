import { tensor1d } from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { averageGradients, rankEnvironment, singleProcess } from '@thinkrl/fsdp-shard';
import { fakeWorld } from '@thinkrl/fsdp-shard/testing';
import { expect, it } from 'vitest';

it('runs the example of the README', async () => {
  await useEngine({ engine: 'cpu' });
  const { rank, worldSize } = rankEnvironment(process.env); // 0 of 1 unless torchrun or Slurm says otherwise
  const alone = singleProcess();
  const [same] = await alone.allReduce([tensor1d([1, 2])], 'mean');

  const world = fakeWorld(2);
  const gradients = [new Map([['w', tensor1d([1])]]), new Map([['w', tensor1d([3])]])];
  const averaged = await Promise.all(world.map((group, r) => averageGradients(group, gradients[r]!)));
  const mean = await averaged[0]!.get('w')!.data(); // 2 on both ranks
  expect([rank, worldSize]).toEqual([0, 1]);
  expect([...(await same!.data())]).toEqual([1, 2]);
  expect([...mean]).toEqual([2]);
});
