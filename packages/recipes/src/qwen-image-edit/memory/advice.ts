import type { QwenEditConfig } from '../config.ts';
import type { Architecture } from './architecture.ts';
import { memoryPlan, type TaskSize } from './memory-plan.ts';

/** A change of the settings that takes less memory. */
export interface Advice {
  /** Settings to change, as they are written on the command line. */
  readonly change: string;
  /** Peak after this change and all that are listed before it, in bytes. */
  readonly peak: number;
}

interface Candidate {
  readonly change: string;
  readonly apply: (config: QwenEditConfig) => QwenEditConfig;
}

/** From what costs least to what costs most: first time alone, then quality, then parts of the method. */
const CANDIDATES: readonly Candidate[] = [
  {
    change: '--generation.editsAtOnce 1',
    apply: (config) => ({ ...config, generation: { ...config.generation, editsAtOnce: 1 } }),
  },
  {
    change: '--understanding.chainsAtOnce 1',
    apply: (config) => ({ ...config, understanding: { ...config.understanding, chainsAtOnce: 1 } }),
  },
  {
    change: '--storage bfloat16',
    apply: (config) => ({ ...config, storage: 'bfloat16' }),
  },
  {
    change: '--planner.chainsPerRow 8',
    apply: (config) => ({ ...config, planner: { ...config.planner, chainsPerRow: 8 } }),
  },
  {
    change: '--tasksPerIteration 1',
    apply: (config) => ({ ...config, tasksPerIteration: 1 }),
  },
  {
    change: '--groupSize 4',
    apply: (config) => ({ ...config, groupSize: 4 }),
  },
  {
    change: '--planner.mostTokens 256',
    apply: (config) => ({ ...config, planner: { ...config.planner, mostTokens: 256 } }),
  },
  {
    change: '--understanding.method lora',
    apply: (config) => ({ ...config, understanding: { ...config.understanding, method: 'lora' } }),
  },
  {
    change: '--generation.rank 16 --understanding.rank 16',
    apply: (config) => ({
      ...config,
      generation: { ...config.generation, rank: Math.min(16, config.generation.rank) },
      understanding: { ...config.understanding, rank: Math.min(16, config.understanding.rank) },
    }),
  },
  {
    change: '--editing.side 512',
    apply: (config) => ({
      ...config,
      editing: { ...config.editing, side: Math.min(512, config.editing.side) },
    }),
  },
  {
    change: '--understanding.train false',
    apply: (config) => ({ ...config, understanding: { ...config.understanding, train: false } }),
  },
];

/** What {@link adviceFor} works on. */
export interface AdviceRequest {
  readonly sizes: Architecture;
  readonly task: TaskSize;
  /** Bytes of the GPU. */
  readonly memory: number;
}

/**
 * Changes that make a run fit, one after the other until it does; those that save nothing are left out. Empty when it fits
 * already; where even all of them are not enough, the last one's peak says so.
 */
export function adviceFor(config: QwenEditConfig, { sizes, task, memory }: AdviceRequest): readonly Advice[] {
  const advice: Advice[] = [];
  let present = config;
  let peak = memoryPlan(config, sizes, task).peak;
  for (const { change, apply } of CANDIDATES) {
    if (peak <= memory) break;
    const changed = apply(present);
    const bytes = changed.storage === 'bfloat16' ? { ...sizes, weightBytes: 2 } : sizes;
    const lower = memoryPlan(changed, bytes, task).peak;
    if (lower >= peak) continue;
    advice.push({ change, peak: lower });
    [present, peak] = [changed, lower];
  }
  return advice;
}
