import * as tf from '@tensorflow/tfjs-core';
import { loadParameters } from '@thinkrl/nn';
import { parseTransformerConfig } from '../src/qwen-image-edit/transformer/config.ts';
import type { TokenGrid } from '../src/qwen-image-edit/transformer/rope.ts';
import { QwenImageTransformer } from '../src/qwen-image-edit/transformer/transformer.ts';
import { deviation, openTensors, readConfig } from './fixture.ts';

export type Reference = ReturnType<typeof openTensors>;

/** Sizes as `[frames, height, width]`, per batch item. */
type Shapes = readonly (readonly (readonly [number, number, number])[])[];

/** The grids of the first batch item, which all others share. */
export function gridsOf(shapes: Shapes): readonly TokenGrid[] {
  return shapes[0]!.map(([, height, width]) => ({ height, width }));
}

/** Host tensors of a reference file, for loading. */
export function hostTensors({ names, shape, values }: Reference) {
  return new Map(names.map((name) => [name, { shape: shape(name), data: values(name) }] as const));
}

/** Fields of a configuration that say how the fixture was made and nothing about the model. */
export function withoutNotes(config: Record<string, unknown>): Record<string, unknown> {
  const notes = new Set([
    'cases',
    'noise',
    'params_without_grad_in_edit',
    'lora_params_without_grad',
    'released',
    'tiling',
  ]);
  return Object.fromEntries(Object.entries(config).filter(([name]) => !notes.has(name)));
}

/** The tiny transformer of the fixtures on the engine in use. */
export function referenceTransformer(change: object = {}): QwenImageTransformer {
  const config = withoutNotes(readConfig('qwen_image_transformer'));
  const model = new QwenImageTransformer(parseTransformerConfig({ ...config, ...change }));
  const weights = openTensors('qwen_image_transformer', 'model.safetensors');
  tf.tidy(() => loadParameters(model.parameters(), hostTensors(weights)));
  return model;
}

/** Largest difference of a tensor from the one of the fixtures, of the same number of elements. */
export function gap(x: tf.Tensor, reference: Reference, name: string): number {
  return deviation(x.dataSync(), reference.values(name));
}

/** Largest difference from a tensor of the fixtures as a share of its largest number. */
export function share(x: tf.Tensor, reference: Reference, name: string): number {
  const largest = reference.values(name).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return gap(x, reference, name) / largest;
}
