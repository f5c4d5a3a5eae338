import { runFused } from '@thinkrl/nn';
import type { ShardingGroup } from './process-group.ts';

/**
 * The group of one: every collective is the identity.
 *
 * @example
 * const group = singleProcess();
 * const [total] = await group.allReduce([gradient], 'mean');
 */
export function singleProcess(): ShardingGroup {
  return {
    rank: 0,
    worldSize: 1,
    allReduce: async (tensors) => tensors.map((tensor) => tensor.clone()),
    allGather: async (shard) => shard.clone(),
    reduceScatter: async (tensor) => tensor.clone(),
    broadcast: async (tensors) => tensors.map((tensor) => tensor.clone()),
    barrier: async () => {},
    startAllGather: (shard, full) => {
      runFused('AssignInPlace', { target: full, source: shard });
      return { wait: () => {} };
    },
    startReduceScatter: (vector) => ({ wait: () => vector.clone() }),
    startAllReduce: (vector) => ({ wait: () => vector.clone() }),
    traffic: () => ({ sentBytes: 0, receivedBytes: 0, collectives: 0 }),
    fail: () => {},
    close: async () => {},
  };
}
