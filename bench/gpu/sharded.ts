import * as tf from '@tensorflow/tfjs-core';
import { type QwenImageTransformer, transformerUnits } from '@thinkrl/backbones/qwen-image-edit';
import { joinGroup } from '@thinkrl/engine';
import { fullyShard, type ShardedModule } from '@thinkrl/fsdp-shard';
import { AdamW, clipScale, type LoraAdapter, type StorageType } from '@thinkrl/nn';
import type { Learner } from './image.ts';
import type { Sizes } from './sizes.ts';

/** Shares the transformer out over a world of one, with every step that takes: NCCL on a GPU, Gloo on a CPU. */
export async function shareAlone(
  transformer: QwenImageTransformer,
  adapter: LoraAdapter,
  storage: StorageType,
): Promise<ShardedModule> {
  const group = await joinGroup({ rank: 0, worldSize: 1, masterAddress: '127.0.0.1', masterPort: 0 });
  return fullyShard(transformer, {
    group,
    units: transformerUnits(transformer),
    trainable: adapter.parameters(),
    mixedPrecision: { frozen: storage },
    shareAlone: true,
  });
}

/** Steps on this rank's shards. */
export function shardedLearner(sharded: ShardedModule, { learningRate, shown }: Sizes): Learner {
  const optimizer = AdamW.create({ parameters: sharded.shards(), learningRate, weightDecay: 1e-4 });
  return async (objective) => {
    const result = sharded.gradients(objective);
    const gradientScale = clipScale(await sharded.globalNorm(result.gradients), 1);
    optimizer.step(result.gradients, { gradientScale });
    const one = tf.tidy(() => tf.mul(placed(sharded, result.gradients, shown), gradientScale));
    result.dispose();
    return one;
  };
}

/** The gradient of one parameter among those of the shards of a world of one. */
function placed(sharded: ShardedModule, gradients: ReadonlyMap<string, tf.Tensor>, name: string): tf.Tensor {
  for (const part of sharded.kept()) {
    const piece = part.pieces.find((other) => other.name === name);
    if (piece === undefined) continue;
    const { at, size, shape } = piece;
    return tf.reshape(tf.slice(gradients.get(part.name)!, [at], [size]), [...shape]);
  }
  throw new Error(`${name} is in no unit`);
}
