import {
  QwenImageTransformer,
  QwenImageVae,
  RELEASED_TRANSFORMER,
  RELEASED_VAE,
  vaeTensors,
} from '@thinkrl/backbones/qwen-image-edit';
import { QwenVl, type QwenVlConfig } from '@thinkrl/backbones/qwen2-5-vl';
import type { HostTensor, LoadOptions, Module } from '@thinkrl/nn';

/** A part of the released model: what is loaded, and how its files differ from it. */
export interface Part {
  readonly build: () => Module;
  /** The shape that the files have for a parameter. */
  readonly stored: (name: string, shape: readonly number[]) => readonly number[];
  readonly tensors: (tensors: ReadonlyMap<string, HostTensor>) => ReadonlyMap<string, HostTensor>;
  readonly halves: LoadOptions['halves'];
}

/** Sizes of the released Qwen2.5-VL-7B. */
const TEXT_ENCODER: QwenVlConfig = {
  vision: {
    ...{ depth: 32, width: 1280, heads: 16, inner: 3420, channels: 3, patch: 14, temporalPatch: 2 },
    ...{ merge: 2, window: 112, fullAttention: [7, 15, 23, 31], outputs: 3584 },
  },
  language: {
    ...{ vocabulary: 152064, width: 3584, inner: 18944, layers: 28, heads: 28, keyHeads: 4, headSize: 128 },
    ...{ epsilon: 1e-6, theta: 1e6, sections: [16, 24, 24], tied: false },
  },
  imageToken: 151655,
  videoToken: 151656,
};

const asItIs: Pick<Part, 'stored' | 'tensors' | 'halves'> = {
  stored: (_, shape) => shape,
  tensors: (tensors) => tensors,
  halves: 'keep',
};

const ones = new Array<number>(RELEASED_VAE.latentChannels).fill(1);

/** Parts by the name of their folder. */
export const PARTS: Readonly<Record<string, Part>> = {
  transformer: { build: () => new QwenImageTransformer(RELEASED_TRANSFORMER), ...asItIs },
  text_encoder: { build: () => new QwenVl(TEXT_ENCODER), ...asItIs },
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
