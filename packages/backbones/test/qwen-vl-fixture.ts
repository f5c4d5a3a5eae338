import type * as tf from '@tensorflow/tfjs-core';
import { loadParameters, mapTensors } from '@thinkrl/nn';
import { parseConfig } from '../src/qwen2-5-vl/config.ts';
import { QwenVl } from '../src/qwen2-5-vl/model.ts';
import { CURRENT_NAMES } from '../src/qwen2-5-vl/names.ts';
import type { Patches, PatchGrid } from '../src/qwen2-5-vl/patches.ts';
import { deviation, openTensors, readConfig } from './fixture.ts';

export const REFERENCE = 'qwen2_5_vl';
export const IGNORED = [
  'note',
  'noise',
  'kv_tokens',
  'kv_greedy_margins',
  'im_start_token_id',
  'im_end_token_id',
];

export const inputs = openTensors(REFERENCE, 'inputs.safetensors');
export const outputs = openTensors(REFERENCE, 'outputs.safetensors');
export const grads = openTensors(REFERENCE, 'grads.safetensors');

/** The tiny model of the fixtures on the engine in use. */
export function referenceModel(): QwenVl {
  const config = parseConfig(readConfig(REFERENCE), { ignore: IGNORED });
  const model = new QwenVl(config);
  const weights = openTensors(REFERENCE, 'model.safetensors');
  const tensors = new Map(
    weights.names.map((name) => [name, { shape: weights.shape(name), data: weights.values(name) }]),
  );
  loadParameters(model.parameters(), mapTensors(tensors, CURRENT_NAMES));
  return model;
}

/** The grids of a case. */
export function gridsOf(name: string, from = inputs, field = 'image_grid_thw'): readonly PatchGrid[] {
  const values = [...from.values(`${name}.${field}`)];
  return Array.from({ length: values.length / 3 }, (_, i) => ({
    frames: values[3 * i]!,
    rows: values[3 * i + 1]!,
    columns: values[3 * i + 2]!,
  }));
}

/** The patches of a case. */
export function patchesOfCase(name: string, from = inputs): Patches {
  const key = `${name}.pixel_values`;
  return { data: from.values(key), numbers: from.shape(key)[1]!, grids: gridsOf(name, from) };
}

/** Largest difference of a tensor from the one of the fixtures, of the same number of elements. */
export function gap(x: tf.Tensor, name: string, from = outputs): number {
  return deviation(x.dataSync(), from.values(name));
}

/** Largest difference from a tensor of the fixtures as a share of its largest number. */
export function share(x: tf.Tensor, name: string, from = grads): number {
  const largest = from.values(name).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return gap(x, name, from) / largest;
}
