import type { TransformerConfig, VaeConfig } from '@thinkrl/backbones/qwen-image-edit';
import type { LanguageConfig, VisionConfig } from '@thinkrl/backbones/qwen2-5-vl';

/** Numbers of a linear layer with a bias. */
function linear(inputs: number, outputs: number): number {
  return inputs * outputs + outputs;
}

/** Numbers of a 3 x 3 convolution with a bias. */
function convolution(inputs: number, outputs: number): number {
  return 9 * inputs * outputs + outputs;
}

/** Width of the timestep's features. */
const TIME_FEATURES = 256;

/** Parameters of the transformer: 20,430,401,088 as released. */
export function transformerParameters(config: TransformerConfig): number {
  const { blocks, heads, headSize, inChannels, textWidth, tokenNumbers } = config;
  const width = heads * headSize;
  const stream =
    linear(width, 6 * width) +
    4 * linear(width, width) +
    2 * headSize +
    linear(width, 4 * width) +
    linear(4 * width, width);
  const outside =
    linear(TIME_FEATURES, width) +
    linear(width, width) +
    textWidth +
    linear(textWidth, width) +
    linear(inChannels, width) +
    linear(width, 2 * width) +
    linear(width, tokenNumbers);
  return blocks * 2 * stream + outside;
}

/** The most of the transformer that is whole at once where it is shared out: all around the blocks, a block without modulation. */
export function gatheredEditorParameters(config: TransformerConfig): number {
  const width = config.heads * config.headSize;
  const around = transformerParameters({ ...config, blocks: 0 });
  const block = transformerParameters({ ...config, blocks: 1 }) - around;
  return around + block - 2 * linear(width, 6 * width);
}

/** The same of Qwen2.5-VL: both tables of words, what lies around the blocks of both models, and a layer. */
export function gatheredUnderstandingParameters({
  vision,
  language,
}: {
  readonly vision: VisionConfig;
  readonly language: LanguageConfig;
}): number {
  const around = visionParameters({ ...vision, depth: 0 }) + languageParameters({ ...language, layers: 0 });
  const layer =
    languageParameters({ ...language, layers: 1 }) - languageParameters({ ...language, layers: 0 });
  return around + layer;
}

/** Parameters of low-rank updates on the twelve layers of each block: 424.7 million at rank 64 as released. */
export function editorAdapterParameters(
  { blocks, heads, headSize }: TransformerConfig,
  rank: number,
): number {
  const width = heads * headSize;
  // Four square layers and two of the feed-forward part in each of two streams.
  return blocks * 2 * rank * (4 * 2 * width + 2 * 5 * width);
}

/** Parameters of the vision tower: 676,550,144 as released. */
export function visionParameters(config: VisionConfig): number {
  const { depth, width, inner, channels, patch, temporalPatch, merge, outputs } = config;
  const block =
    2 * width +
    linear(width, 3 * width) +
    linear(width, width) +
    2 * linear(width, inner) +
    linear(inner, width);
  const merged = width * merge ** 2;
  const merger = width + linear(merged, merged) + linear(merged, outputs);
  return width * channels * temporalPatch * patch ** 2 + depth * block + merger;
}

/** Parameters of the language model with its output layer: 7,615,616,512 as released. */
export function languageParameters(config: LanguageConfig): number {
  const { vocabulary, width, inner, layers, heads, keyHeads, headSize, tied } = config;
  const layer =
    2 * width +
    linear(width, heads * headSize) +
    2 * linear(width, keyHeads * headSize) +
    heads * headSize * width +
    3 * width * inner;
  return (tied ? 1 : 2) * vocabulary * width + layers * layer + width;
}

/** Parameters of low-rank updates on all linear layers of the language model but the last: 161.5 million at rank 64. */
export function plannerAdapterParameters(config: LanguageConfig, rank: number): number {
  const { width, inner, layers, heads, keyHeads, headSize } = config;
  const [queries, keys] = [heads * headSize, keyHeads * headSize];
  return layers * rank * (2 * (width + queries) + 2 * (width + keys) + 3 * (width + inner));
}

/** Parameters of the autoencoder that act on one frame: 44.6 million as released. */
export function vaeParameters({ baseWidth, latentChannels, multiples, residualBlocks }: VaeSizes): number {
  const widths = multiples.map((multiple) => multiple * baseWidth);
  const widest = widths.at(-1)!;
  const residual = (inputs: number, outputs: number) =>
    inputs +
    convolution(inputs, outputs) +
    outputs +
    convolution(outputs, outputs) +
    (inputs === outputs ? 0 : linear(inputs, outputs));
  const stage = (inputs: number, outputs: number, count: number) =>
    residual(inputs, outputs) + (count - 1) * residual(outputs, outputs);
  const middle = 2 * residual(widest, widest) + widest + linear(widest, 3 * widest) + linear(widest, widest);
  const last = widths.length - 1;
  const down = widths.map(
    (width, i) =>
      stage(widths[i - 1] ?? baseWidth, width, residualBlocks) + (i < last ? convolution(width, width) : 0),
  );
  const rising = [...widths].reverse();
  const up = rising.map(
    (width, i) =>
      stage(i === 0 ? widest : rising[i - 1]! / 2, width, residualBlocks + 1) +
      (i < last ? convolution(width, width / 2) : 0),
  );
  const encoder =
    convolution(3, baseWidth) + sum(down) + middle + widest + convolution(widest, 2 * latentChannels);
  const decoder =
    convolution(latentChannels, widest) + middle + sum(up) + rising[last]! + convolution(rising[last]!, 3);
  return (
    encoder +
    decoder +
    linear(2 * latentChannels, 2 * latentChannels) +
    linear(latentChannels, latentChannels)
  );
}

/** Sizes of an autoencoder without the spread of its latents. */
export type VaeSizes = Omit<VaeConfig, 'mean' | 'deviation'>;

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
