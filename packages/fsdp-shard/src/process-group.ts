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

/** A collective under way. */
export interface Pending<Result> {
  /** Blocks this thread until it is done. */
  wait(): Result;
}

/** Bytes of tensors that a rank has sent and received, and in how many collectives. */
export interface Traffic {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly collectives: number;
}

/** A group whose collectives can be waited for in the middle of a synchronous forward or backward pass. */
export interface ShardingGroup extends ProcessGroup {
  /** Starts to fill the vector `full` with the equal vectors `shard` of all ranks; leave both alone until `wait`. */
  startAllGather(shard: Tensor, full: Tensor): Pending<void>;
  /** Starts to add up the vectors of all ranks; `wait` gives this rank's equal part, in float32. */
  startReduceScatter(vector: Tensor): Pending<Tensor>;
  /** Starts to add up the vectors of all ranks; `wait` gives the sum. */
  startAllReduce(vector: Tensor): Pending<Tensor>;
  traffic(): Traffic;
  /** Leaves word of what went wrong here, for the ranks that will miss this one. */
  fail(problem: string): void;
}
