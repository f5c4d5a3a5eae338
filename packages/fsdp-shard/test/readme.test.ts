import { type Scalar, square, sum, tensor2d } from '@tensorflow/tfjs-core';
import { joinGroup, useEngine } from '@thinkrl/engine';
import { fullyShard, rankEnvironment, withGroup } from '@thinkrl/fsdp-shard';
import { AdamW, clipScale, FeedForward } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import { expect, it } from 'vitest';

it('runs the example of the README', async () => {
  await useEngine({ engine: 'torch', threads: 1 });
  const environment = rankEnvironment(process.env); // rank 0 of 1 unless torchrun or `thinkrl launch` says otherwise
  const losses = await withGroup(await joinGroup(environment), async (group) => {
    const model = new FeedForward({ size: 4, key: Key.of(1) });
    const sharded = fullyShard(model, { group, units: [model.up] });
    const optimizer = AdamW.create({ parameters: sharded.shards(), learningRate: 1e-2 });
    const x = tensor2d([[1, 2, 3, group.rank]]); // each rank its part of the batch
    const objective = () => ({ loss: sum(square(model.forward(x))) as Scalar });
    const found: number[] = [];
    for (let step = 0; step < 3; step++) {
      const result = sharded.gradients(objective); // of the mean over the ranks, this rank's part
      const norm = await sharded.globalNorm(result.gradients);
      optimizer.step(result.gradients, { gradientScale: clipScale(norm, 1) });
      found.push((await result.loss.data())[0]!);
      result.dispose();
    }
    return found; // falling
  });
  expect(losses).toEqual([...losses].sort((a, b) => b - a));
  expect(new Set(losses).size).toBe(3);
});
