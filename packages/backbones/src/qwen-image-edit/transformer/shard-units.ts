import type { ShardUnit } from '../../shard-unit.ts';
import type { QwenImageTransformer } from './transformer.ts';

/**
 * The parts of the transformer to gather one at a time, inner ones before outer. Modulation layers are parts of their own:
 * a third of the weights, which are needed once per noise level while they are frozen.
 *
 * @example
 * const sharded = fullyShard(transformer, { group, units: transformerUnits(transformer), trainable: adapter.parameters() });
 */
export function transformerUnits({ blocks }: QwenImageTransformer): readonly ShardUnit[] {
  const modulations = blocks.flatMap(({ image, text }) => [image.modulation, text.modulation]);
  return [
    ...modulations.map((module) => ({ module, methods: ['forward'] })),
    ...blocks.map((module) => ({ module, methods: ['forward', 'forwardLast'] })),
  ];
}
