import {
  QwenImageTransformer,
  QwenImageVae,
  RELEASED_TRANSFORMER,
  RELEASED_VAE,
  vaeTensors,
} from '@thinkrl/backbones/qwen-image-edit';
import { QwenVl, RELEASED_QWEN_VL } from '@thinkrl/backbones/qwen2-5-vl';
import type { HostTensor, LoadOptions, Module } from '@thinkrl/nn';

/** A part of the released model: what is loaded, and how its files differ from it. */
export interface Part {
  readonly build: () => Module;
  /** The shape that the files have for a parameter. */
  readonly stored: (name: string, shape: readonly number[]) => readonly number[];
  readonly tensors: (tensors: ReadonlyMap<string, HostTensor>) => ReadonlyMap<string, HostTensor>;
  readonly halves: LoadOptions['halves'];
}

const asItIs: Pick<Part, 'stored' | 'tensors' | 'halves'> = {
  stored: (_, shape) => shape,
  tensors: (tensors) => tensors,
  halves: 'keep',
};

const ones = new Array<number>(RELEASED_VAE.latentChannels).fill(1);

/** Parts by the name of their folder. */
export const PARTS: Readonly<Record<string, Part>> = {
  transformer: { build: () => new QwenImageTransformer(RELEASED_TRANSFORMER), ...asItIs },
  text_encoder: { build: () => new QwenVl(RELEASED_QWEN_VL), ...asItIs },
  vae: {
    // what latents are normalised by is in no file of weights
    build: () => new QwenImageVae({ ...RELEASED_VAE, mean: ones, deviation: ones }),
    stored: overTime,
    tensors: vaeTensors,
    halves: 'widen',
  },
};

/** The autoencoder's files have kernels over three frames, pointwise ones over one, and gains of every axis. */
function overTime(name: string, shape: readonly number[]): readonly number[] {
  const [outputs, inputs, ...area] = shape as [number, number, ...number[]];
  if (name.endsWith('.gamma')) return [outputs, 1, 1];
  if (shape.length === 2) return [outputs, inputs, 1, 1, 1];
  return shape.length === 4 && !name.includes('.resample.') ? [outputs, inputs, 3, ...area] : shape;
}
