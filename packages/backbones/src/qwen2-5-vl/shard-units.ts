import type { ShardUnit } from '../shard-unit.ts';
import type { QwenVl } from './model.ts';

/** The parts of Qwen2.5-VL to gather one at a time: the blocks of its tower and the layers of its language model. */
export function understandingUnits({ visual, language }: QwenVl): readonly ShardUnit[] {
  return [...visual.blocks, ...language.layers].map((module) => ({ module, methods: ['forward'] }));
}
