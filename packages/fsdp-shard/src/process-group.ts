import type { Tensor } from '@tensorflow/tfjs-core';

/** How tensors of all ranks are combined. */
export type ReduceOperation = 'sum' | 'mean' | 'max';

/**
 * The ranks that train together, after PyTorch's c10d: every collective is called by every rank, in the same order.
 *
 * Results are new tensors owned by the caller; the arguments are left alone.
 */
export interface ProcessGroup {
  readonly rank: number;
  readonly worldSize: number;
  /** Each tensor combined over all ranks, the same on every rank. */
  allReduce(tensors: readonly Tensor[], operation: ReduceOperation): Promise<readonly Tensor[]>;
  /** `shard` of every rank, joined along the first axis in rank order. */
  allGather(shard: Tensor): Promise<Tensor>;
  /** This rank's equal part, along the first axis, of the sum over all ranks. */
  reduceScatter(tensor: Tensor): Promise<Tensor>;
  /** The tensors of rank `source`. */
  broadcast(tensors: readonly Tensor[], source: number): Promise<readonly Tensor[]>;
  /** Resolves once every rank has come here. */
  barrier(): Promise<void>;
  /** Leaves the group and frees its connections. */
  close(): Promise<void>;
}
