import { join } from 'node:path';
import { LORA_TARGETS, QwenImageTransformer } from '@thinkrl/backbones/qwen-image-edit';
import { positionsOf, QwenVl } from '@thinkrl/backbones/qwen2-5-vl';
import { useEngine } from '@thinkrl/engine';
import { fillNormal, type Module, type StoredTensor, writeSafetensors } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import type { Setup, Shapes } from './exchange.ts';
import { NOISE_KEY } from './image.ts';
import type { Sizes } from './sizes.ts';

const key = Key.of(11);

/** Normal numbers of a shape. */
function normal(name: string, shape: readonly number[], deviation = 1): StoredTensor {
  const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
  fillNormal(data, key.fold(name).stream());
  return { shape, data: data.map((value) => value * deviation) };
}

/** Writes all that both sides are fed as safetensors in `folder`: its path, and the position of the token after the prompt. */
export async function writeInputs(folder: string, sizes: Sizes): Promise<Pick<Setup, 'inputs' | 'next'>> {
  const inputs = join(folder, 'inputs.safetensors');
  const { tensors, next } = languageInputs(sizes);
  await writeSafetensors(inputs, new Map([...imageInputs(sizes), ...tensors]));
  return { inputs, next };
}

function imageInputs({ grids, transformer, textTokens, window }: Sizes): Map<string, StoredTensor> {
  const [result, ...references] = grids.map(([height, width]) => height * width) as [number, ...number[]];
  const known = references.reduce((sum, tokens) => sum + tokens, 0);
  const latents = [1, result, transformer.inChannels];
  const noise = new Float32Array(result * transformer.inChannels);
  fillNormal(noise, NOISE_KEY.fold('initial').stream());
  const tensors = new Map([['noise', { shape: latents, data: noise }]]) as Map<string, StoredTensor>;
  for (const name of ['text', 'negative'])
    tensors.set(name, normal(name, [1, textTokens, transformer.textWidth]));
  tensors.set('references', normal('references', [1, known, transformer.inChannels]));
  for (let state = 0; state <= window.length; state++)
    tensors.set(`state${state}`, normal(`state${state}`, latents));
  return tensors;
}

/** A prompt whose picture comes after its first words, its patches and positions. */
function languageInputs({ language, grid, promptTokens }: Sizes) {
  const { imageToken, vision } = language;
  const [rows, columns] = grid;
  const cells = (rows * columns) / vision.merge ** 2;
  const start = Math.floor((promptTokens - cells) / 2);
  const ids = Int32Array.from({ length: promptTokens }, (_, i) =>
    i >= start && i < start + cells ? imageToken : (7 * i) % 50,
  );
  const grids = [{ frames: 1, rows, columns }];
  const { time, row, column, next } = positionsOf(ids, { grids, imageToken, merge: vision.merge });
  const positions = Int32Array.from([...time, ...row, ...column]);
  const numbers = 3 * vision.temporalPatch * vision.patch ** 2;
  const tensors = new Map<string, StoredTensor>([
    ['ids', { shape: [promptTokens], data: ids }],
    ['token', { shape: [1], data: Int32Array.of(5) }],
    ['positions', { shape: [3, promptTokens], data: positions }],
    ['patches', normal('patches', [rows * columns, numbers])],
  ]);
  return { tensors, next };
}

/** Shapes of all parameters; the models are made without storage. */
export async function shapesOf(sizes: Sizes): Promise<Setup['shapes']> {
  await useEngine({ engine: 'torch', device: 'cpu', threads: 1 });
  const transformer = new QwenImageTransformer(sizes.transformer);
  const language = new QwenVl(sizes.language);
  return {
    transformer: shapesIn(transformer),
    adapter: adapterShapes(transformer, sizes),
    language: shapesIn(language),
  };
}

function shapesIn(model: Module): Shapes {
  return Object.fromEntries([...model.parameters()].map(([name, { shape }]) => [name, shape]));
}

/** What an adapter of the twelve kinds of layers adds, without making it: its first matrices would be drawn. */
function adapterShapes(transformer: QwenImageTransformer, { rank }: Sizes): Shapes {
  const adapted = [...transformer.parameters()].flatMap(([name, { shape }]) => {
    const place = name.replace(/\.weight$/, '');
    if (place === name || !LORA_TARGETS.some((target) => place.endsWith(`.${target}`))) return [];
    const [outputs, inputs] = shape as [number, number];
    return [
      [`${place}.lora_A.weight`, [rank, inputs]],
      [`${place}.lora_B.weight`, [outputs, rank]],
    ] as const;
  });
  return Object.fromEntries(adapted);
}

/** Weights that both sides read, as safetensors in `folder`; gives its path. */
export async function writeWeights(folder: string, shapes: Setup['shapes']): Promise<string> {
  const path = join(folder, 'weights.safetensors');
  const tensors = Object.values(shapes).flatMap((model) =>
    Object.entries(model).map(([name, shape]) => [name, weight(name, shape)] as const),
  );
  await writeSafetensors(path, new Map(tensors));
  return path;
}

/** Matrices that keep what they map at its size, gains about 1, biases about 0. */
function weight(name: string, shape: readonly number[]): StoredTensor {
  if (shape.length > 1) return normal(name, shape, 1 / Math.sqrt(shape[1]!));
  const { data } = normal(name, shape, 0.1);
  return { shape, data: name.endsWith('weight') ? (data as Float32Array).map((value) => 1 + value) : data };
}
