import { engine, reshape, type Tensor, type TensorInfo, util, zeros } from '@tensorflow/tfjs-core';
import type { GroupTraffic } from '../binding.ts';
import { TorchGroupError } from '../error.ts';
import {
  type Argument,
  handleOf,
  handlesOf,
  many,
  native,
  none,
  type Operation,
  operation,
} from '../storage.ts';
import { nextNumber } from './number.ts';

const gather = operation('collective_gather');
const scatter = operation('collective_scatter');
const reduce = operation('collective_reduce');
const spread = operation('collective_broadcast');
const meet = operation('collective_barrier');
const land = operation('collective_land');

const reductions = { sum: 0, mean: 1, max: 2 } as const;

/** How tensors of all ranks are combined. */
export type GroupReduction = keyof typeof reductions;

/** A collective under way. */
export interface PendingCollective<Result> {
  /** Blocks this thread until the collective is done. @throws TorchGroupError */
  wait(): Result;
}

/**
 * One process among others that compute together, over c10d: Gloo on a CPU, NCCL on a GPU. Every rank starts the same
 * collectives in the same order. Results are new tensors; a failed collective is a {@link TorchGroupError}.
 */
export class TorchProcessGroup {
  readonly rank: number;
  readonly worldSize: number;
  private readonly group: number;
  /** On a GPU waiting does not block: it orders this thread's later work after the collective. */
  private readonly onGpu = native().facts().device !== 'cpu';

  /** @internal Use {@link joinGroup}. */
  constructor(group: number, { rank, worldSize }: { readonly rank: number; readonly worldSize: number }) {
    this.group = group;
    this.rank = rank;
    this.worldSize = worldSize;
  }

  /** Each tensor combined over all ranks, the same on every rank. */
  async allReduce(tensors: readonly Tensor[], operation: GroupReduction): Promise<readonly Tensor[]> {
    if (tensors.length === 0) return [];
    return this.landing(this.start(reduce, reductions[operation], handlesOf(tensors)));
  }

  /** `shard` of every rank, joined along the first axis in rank order. */
  async allGather(shard: Tensor): Promise<Tensor> {
    const [first = 1, ...rest] = shard.shape;
    const full = zeros([this.worldSize * shard.size], shard.dtype as 'float32');
    await this.landing(this.start(gather, handleOf(shard), handleOf(full)));
    return reshaped(full, [this.worldSize * first, ...rest]);
  }

  /** This rank's equal part, along the first axis, of the sum over all ranks. */
  async reduceScatter(tensor: Tensor): Promise<Tensor> {
    const [first = 1, ...rest] = tensor.shape;
    const flat = reshape(tensor, [-1]);
    const [part] = await this.landing(this.start(scatter, handleOf(flat)));
    flat.dispose();
    return reshaped(part!, [first / this.worldSize, ...rest]);
  }

  /** The tensors of rank `source`. */
  async broadcast(tensors: readonly Tensor[], source: number): Promise<readonly Tensor[]> {
    return this.landing(this.start(spread, source, handlesOf(tensors)));
  }

  /** Resolves once every rank has come here. */
  async barrier(): Promise<void> {
    await this.landing(this.start(meet));
  }

  /**
   * Starts to fill the vector `full` with the equal vectors `shard` of all ranks; both must be left alone until `wait`.
   */
  startAllGather(shard: Tensor, full: Tensor): PendingCollective<void> {
    const flight = this.start(gather, handleOf(shard), handleOf(full));
    return { wait: () => void this.arrive(flight) };
  }

  /** Starts to add up the vectors of all ranks, in rank order and in float32; `wait` gives this rank's equal part. */
  startReduceScatter(vector: Tensor): PendingCollective<Tensor> {
    const flight = this.start(scatter, handleOf(vector));
    return { wait: () => this.arrive(flight)[0]! };
  }

  /** Starts to add a vector up over all ranks; `wait` gives the sum. */
  startAllReduce(vector: Tensor): PendingCollective<Tensor> {
    const flight = this.start(reduce, reductions.sum, handlesOf([vector]));
    return { wait: () => this.arrive(flight)[0]! };
  }

  /** Bytes of tensors that this rank has sent and received so far. */
  traffic(): GroupTraffic {
    return native().groupTraffic(this.group);
  }

  /** Leaves word of what went wrong here, for the ranks that will miss this one. */
  fail(problem: string): void {
    native().reportFailure(this.group, problem);
  }

  /** Leaves the group and closes its connections. */
  async close(): Promise<void> {
    await native().leaveGroup(this.group);
  }

  private start(entry: Operation, ...args: Argument[]): number {
    const flight = nextNumber();
    attempt(() => none(entry, this.group, flight, ...args));
    return flight;
  }

  /** Waits for a collective while this thread blocks. */
  private arrive(flight: number): Tensor[] {
    return attempt(() => many(land, flight)).map((info) =>
      engine().makeTensorFromTensorInfo(info as TensorInfo),
    );
  }

  /** Waits for a collective while the event loop goes on. */
  private async landing(flight: number): Promise<Tensor[]> {
    if (this.onGpu) return this.arrive(flight);
    try {
      await native().flightEnds(flight);
    } catch (cause) {
      throw groupError(cause);
    }
    return this.arrive(flight);
  }
}

/** Makes what the addon says of a group an error of its own kind. */
export function groupError(cause: unknown): TorchGroupError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const plain = message.replace(/^collective(_\w+)?: /, '').replace(/ \(inputs: .*\)$/, '');
  return new TorchGroupError(plain, { cause });
}

function attempt<T>(run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw groupError(cause);
  }
}

function reshaped(tensor: Tensor, shape: number[]): Tensor {
  util.assert(
    shape.every(Number.isInteger),
    () => `[${shape}] is no shape: the ranks do not divide the first axis`,
  );
  const result = reshape(tensor, shape);
  tensor.dispose();
  return result;
}
