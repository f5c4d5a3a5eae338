import type { Cluster } from './cluster.ts';
import { type Sharding, shardsOf } from './gather.ts';
import type { Workload } from './workload.ts';

/** Bytes on one GPU by part. */
export interface Memory {
  readonly editor: number;
  /** Blocks that are gathered: the one at work and the next. */
  readonly gathered: number;
  readonly planner: number;
  /** fp32 adapter, gradients and moments. */
  readonly adapter: number;
  readonly activations: number;
  readonly total: number;
}

/** fp32 weight, gradient and two moments. */
const ADAPTER_BYTES = 16;
/** Saved inputs of the blocks, and what one block keeps while it is computed again, in bf16 tokens x width. */
const RECOMPUTED = 30;

/** Memory per GPU with checkpointed blocks, both guidance passes kept for the way back. */
export function memoryOf(work: Workload, cluster: Cluster, gpus: number, sharding: Sharding): Memory {
  const shards = shardsOf(sharding, gpus, cluster);
  const unit = work.tokens * work.width * 2;
  const parts = {
    editor: work.editorBytes / shards,
    gathered: shards === 1 ? 0 : (2 * work.editorBytes) / work.blocks,
    planner: work.plannerBytes,
    adapter: (work.adapterParameters * ADAPTER_BYTES) / shards,
    activations: 2 * work.trainedAtOnce * (work.blocks + RECOMPUTED) * unit,
  };
  return { ...parts, total: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0) };
}
