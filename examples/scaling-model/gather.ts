import type { Cluster } from './cluster.ts';

/** How the editor's frozen weights lie on the GPUs. */
export type Sharding = 'whole' | 'node' | 'all';

/** GPUs that hold one copy between them. */
export function shardsOf(sharding: Sharding, gpus: number, { gpusPerNode }: Cluster): number {
  if (sharding === 'whole') return 1;
  return sharding === 'node' ? Math.min(gpus, gpusPerNode) : gpus;
}

/**
 * Seconds to gather `bytes` of weights on every GPU once: (N-1)/N of them over the GPU's own links, and, when the shards
 * lie on several nodes, what the node does not hold over its network, shared by its GPUs.
 */
export function gatherTime(bytes: number, shards: number, { link, network, gpusPerNode }: Cluster): number {
  const within = (bytes * (shards - 1)) / shards / link;
  const nodes = Math.ceil(shards / gpusPerNode);
  const between = (bytes * (nodes - 1)) / nodes / network;
  return Math.max(within, between);
}
