import { RELEASED_TRANSFORMER, type TransformerConfig } from '@thinkrl/backbones/qwen-image-edit';
import { type QwenVlConfig, RELEASED_QWEN_VL } from '@thinkrl/backbones/qwen2-5-vl';
import { flowMatchSchedule, sdeStep } from '@thinkrl/edit-generator';

/** Height and width of a picture in packed tokens. */
type Grid = readonly [height: number, width: number];

/** A stochastic step as both sides score it. */
export interface WindowStep {
  readonly index: number;
  readonly sigma: number;
  readonly latent: number;
  readonly velocity: number;
  readonly deviation: number;
}

/** What is measured: models, pictures, texts, steps. */
export interface Sizes {
  readonly transformer: TransformerConfig;
  readonly language: QwenVlConfig;
  /** The result, then the reference. */
  readonly grids: readonly Grid[];
  /** States of the text encoder that an edit has. */
  readonly textTokens: number;
  readonly rank: number;
  readonly alpha: number;
  readonly learningRate: number;
  readonly guidance: number;
  readonly advantage: number;
  readonly sigmas: readonly number[];
  readonly window: readonly WindowStep[];
  /** The adapter's parameter whose gradient is compared. */
  readonly shown: string;
  /** Rows and columns of patches of the picture that the text encoder sees. */
  readonly grid: Grid;
  /** Tokens of a whole prompt, those of the picture among them. */
  readonly promptTokens: number;
  /** Side of the square product that gives the dense rate. */
  readonly width: number;
}

const STEPS = 10;
const ETA = 0.7;

/** What the two sizes differ in. */
type Extents = Pick<
  Sizes,
  'transformer' | 'language' | 'grids' | 'textTokens' | 'rank' | 'grid' | 'promptTokens' | 'width'
>;

function sizesOf(extents: Extents): Sizes {
  const [height, width] = extents.grids[0]!;
  const dynamic = { baseShift: 0.5, maxShift: 0.9, baseTokens: 256, maxTokens: 8192 };
  const sigmas = flowMatchSchedule({ steps: STEPS, terminal: 0.02, dynamic })(height * width);
  const window = [1, 2, 3, 4].map((index): WindowStep => {
    const levels = { sigma: sigmas[index]!, next: sigmas[index + 1]!, second: sigmas[1]! };
    const { latent, velocity, deviation } = sdeStep(levels, ETA);
    return { index, sigma: levels.sigma, latent, velocity, deviation };
  });
  const shown = 'transformer_blocks.0.attn.to_q.lora_A.weight';
  const training = { alpha: 2 * extents.rank, learningRate: 3e-4, guidance: 4, advantage: 0.8, shown };
  return { ...extents, ...training, sigmas, window };
}

/** How edits' SDE steps were drawn. */
export const RULE = { kind: 'sde', eta: ETA } as const;

/** The released models at 512 pixels with one reference; 400 states of the text encoder. */
export function fullSizes(): Sizes {
  return sizesOf({
    transformer: RELEASED_TRANSFORMER,
    language: RELEASED_QWEN_VL,
    grids: [
      [32, 32],
      [32, 32],
    ],
    textTokens: 400,
    rank: 64,
    grid: [36, 36],
    promptTokens: 464,
    width: 8192,
  });
}

/** The same models, so small that any machine does them in seconds. */
export function tinySizes(): Sizes {
  const vision = {
    ...{ depth: 2, width: 32, heads: 2, inner: 40, channels: 3, patch: 4, temporalPatch: 2, merge: 2 },
    ...{ window: 16, fullAttention: [1], outputs: 32 },
  };
  const language = {
    ...{ vocabulary: 64, width: 32, inner: 48, layers: 2, heads: 4, keyHeads: 2, headSize: 8 },
    ...{ epsilon: 1e-6, theta: 1e6, sections: [1, 1, 2] as const, tied: false },
  };
  const transformer = {
    ...{ inChannels: 16, tokenNumbers: 16, blocks: 3, heads: 2, headSize: 16, textWidth: 32 },
    ...{ ropeAxes: [4, 6, 6] as const, zeroCondT: false },
  };
  return sizesOf({
    transformer,
    language: { vision, language, imageToken: 60, videoToken: 61 },
    grids: [
      [4, 4],
      [4, 6],
    ],
    textTokens: 7,
    rank: 4,
    grid: [6, 8],
    promptTokens: 20,
    width: 64,
  });
}

/** The cases, by the model that they need. */
export const CASES = {
  product: ['product'],
  image: ['denoise', 'sample', 'train'],
  language: ['prefill', 'decode'],
} as const;

export type ModelName = keyof typeof CASES;
export type CaseName = (typeof CASES)[ModelName][number];

/** Floating-point operations of one run of a case, those that gradients of frozen weights would take left out. */
export function workOf(name: CaseName, sizes: Sizes): number {
  const forward = transformerWork(sizes);
  switch (name) {
    case 'product':
      return 2 * sizes.width ** 3;
    case 'denoise':
      return forward;
    case 'sample':
      return 2 * STEPS * forward;
    case 'train':
      // Forward, the same again in the backward pass, and the gradients of what goes into each layer.
      return 3 * 2 * sizes.window.length * forward;
    case 'prefill':
      return visionWork(sizes) + languageWork(sizes, sizes.promptTokens);
    case 'decode':
      return languageWork(sizes, 1) + headWork(sizes);
  }
}

/** 24 width^2 of every token and block, and attention of all to all. */
function transformerWork({ transformer, grids, textTokens }: Sizes): number {
  const width = transformer.heads * transformer.headSize;
  const tokens = textTokens + grids.reduce((sum, [rows, columns]) => sum + rows * columns, 0);
  return transformer.blocks * (24 * tokens * width ** 2 + 4 * tokens ** 2 * width);
}

function visionWork({ language: { vision }, grid }: Sizes): number {
  const patches = grid[0] * grid[1];
  const products = 4 * vision.width ** 2 + 3 * vision.width * vision.inner;
  const side = vision.window / vision.patch;
  const seen = (block: number) => (vision.fullAttention.includes(block) ? patches : side ** 2);
  const attention = [...Array(vision.depth).keys()].reduce((sum, block) => sum + seen(block), 0);
  const joined = vision.width * vision.merge ** 2;
  const merged = (2 * patches * joined * (joined + vision.outputs)) / vision.merge ** 2;
  return patches * (2 * products * vision.depth + 4 * vision.width * attention) + merged;
}

/** Of `fresh` tokens after as many as the prompt has, or of the prompt itself. */
function languageWork({ language: { language }, promptTokens }: Sizes, fresh: number): number {
  const { width, inner, layers, heads, keyHeads, headSize } = language;
  const products = width * headSize * (2 * heads + 2 * keyHeads) + 3 * width * inner;
  const seen = fresh === 1 ? promptTokens + 1 : promptTokens / 2;
  return layers * fresh * (2 * products + 4 * seen * heads * headSize);
}

function headWork({ language: { language } }: Sizes): number {
  return 2 * language.width * language.vocabulary;
}
