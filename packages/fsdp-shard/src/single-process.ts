import type { ProcessGroup } from './process-group.ts';

/**
 * The group of one: every collective is the identity.
 *
 * @example
 * const group = singleProcess();
 * const [total] = await group.allReduce([gradient], 'mean');
 */
export function singleProcess(): ProcessGroup {
  return {
    rank: 0,
    worldSize: 1,
    allReduce: async (tensors) => tensors.map((tensor) => tensor.clone()),
    allGather: async (shard) => shard.clone(),
    reduceScatter: async (tensor) => tensor.clone(),
    broadcast: async (tensors) => tensors.map((tensor) => tensor.clone()),
    barrier: async () => {},
    close: async () => {},
  };
}
