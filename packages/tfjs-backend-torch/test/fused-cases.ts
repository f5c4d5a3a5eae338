import { openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { random, run, runAll } from './torch.ts';

/** Named inputs of a kernel. */
export type Inputs = Readonly<Record<string, tf.Tensor | readonly tf.Tensor[]>>;

/** One fused kernel with inputs that fit, and what does not. */
export interface FusedCase {
  readonly kernel: string;
  readonly inputs: () => Inputs;
  readonly attributes?: object;
  /** Shapes that do not fit, by input; a kernel that takes any shape has none. */
  readonly misshapen?: readonly Readonly<Record<string, number[]>>[];
  /** Dtypes that do not fit, by input. */
  readonly mistyped?: readonly Readonly<Record<string, tf.DataType>>[];
  /** Inputs or attributes that ask for a terabyte; a kernel that works in place has none. */
  readonly huge?: () => { readonly inputs?: Inputs; readonly attributes?: object };
}

/** A view of one number as a tensor of 2^38 of them: 2^40 bytes if it is ever laid out. */
function terabyte(...shape: number[]): tf.Tensor {
  return run('BroadcastTo', { x: tf.ones(shape.map(() => 1) as [number]) }, { shape });
}

const big = 2 ** 19;
const long = () => terabyte(big, big);
const ids = () => tf.tensor1d([0, 2], 'int32');
const rows = (seed: number) => random([2, 3], seed);

const attentionInputs = () => ({
  query: random([1, 2, 2, 4], 1),
  key: random([1, 3, 1, 4], 2),
  value: random([1, 3, 1, 4], 3),
});

const blockInputs = () => ({
  x: random([1, 2, 4], 1),
  qkvWeight: random([12, 4], 2),
  outputWeight: random([4, 4], 3),
  upWeight: random([5, 4], 4),
  downWeight: random([4, 5], 5),
  upBias: random([5], 6),
  attentionGain: random([4], 7),
});

/** This file: letters are finite numbers. */
const ownText = { file: openSync(fileURLToPath(import.meta.url), 'r'), begin: 0, storage: 'float16' };

const image = () => random([1, 3, 3, 2], 1);
const kernelWeight = () => random([2, 2, 2, 2], 2);

const plain: readonly FusedCase[] = [
  {
    kernel: 'AdamWStep',
    inputs: () => ({
      params: [tf.ones([2])],
      grads: [tf.ones([2])],
      firstMoments: [tf.zeros([2])],
      secondMoments: [tf.zeros([2])],
    }),
    attributes: {
      learningRate: 0.1,
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-8,
      weightDecay: 0,
      step: 1,
      gradientScale: 1,
    },
    misshapen: [{ grads: [3] }, { params: [3] }, { firstMoments: [1, 2] }, { secondMoments: [] }],
    mistyped: [{ grads: 'int32' }, { params: 'bool' }],
  },
  {
    kernel: 'AssignInPlace',
    inputs: () => ({ target: tf.ones([2]), source: tf.ones([2]) }),
    misshapen: [{ source: [1] }, { target: [2, 1] }],
    mistyped: [{ source: 'int32' }],
  },
  {
    kernel: 'Attention',
    inputs: attentionInputs,
    misshapen: [
      { query: [1, 2, 8] },
      { key: [1, 3, 1, 5] },
      { value: [1, 2, 1, 4] },
      { value: [2, 3, 1, 4] },
      { mask: [1, 1, 3, 2] },
    ],
    mistyped: [{ query: 'int32' }, { value: 'int32' }],
    huge: () => ({
      inputs: { ...attentionInputs(), query: terabyte(1, 2 ** 20, 2 ** 16, 4) },
    }),
  },
  {
    kernel: 'CacheWrite',
    inputs: () => ({ cache: tf.ones([1, 4, 1, 2]), rows: tf.ones([1, 2, 1, 2]) }),
    attributes: { position: 1 },
    misshapen: [{ rows: [1, 4, 1, 2] }, { rows: [1, 2, 1, 1] }, { rows: [] }, { cache: [4, 2] }],
    mistyped: [{ rows: 'int32' }],
  },
  {
    kernel: 'ClipGlobalNorm',
    inputs: () => ({ tensors: [rows(1), tf.ones([2])] }),
    attributes: { limit: 1 },
    mistyped: [{ tensors: 'int32' }],
    huge: () => ({ inputs: { tensors: [long()] } }),
  },
  {
    kernel: 'Convolution',
    inputs: () => ({ x: image(), weight: kernelWeight(), bias: tf.ones([2]) }),
    misshapen: [
      { x: [3, 3, 2] },
      { x: [1, 3, 3, 3] },
      { weight: [2, 2, 4, 4] },
      { bias: [3] },
      { weight: [2, 2] },
    ],
    mistyped: [{ x: 'int32' }],
    huge: () => ({ inputs: { x: terabyte(1, big, big / 2, 2), weight: kernelWeight() } }),
  },
  {
    kernel: 'CastStorage',
    inputs: () => ({ x: rows(1) }),
    attributes: { storage: 'bfloat16' },
    mistyped: [{ x: 'int32' }],
    huge: () => ({ inputs: { x: long() } }),
  },
  { kernel: 'PlaceStorage', inputs: () => ({ x: rows(1) }), attributes: { place: 'host' } },
  { kernel: 'Copy', inputs: () => ({ x: rows(1) }), huge: () => ({ inputs: { x: long() } }) },
  {
    kernel: 'EmaStep',
    inputs: () => ({ averages: [tf.ones([2])], params: [tf.ones([2])] }),
    attributes: { decay: 0.5 },
    misshapen: [{ params: [1] }, { averages: [2, 2] }],
    mistyped: [{ averages: 'int32' }],
  },
  {
    kernel: 'Embedding',
    inputs: () => ({ weight: random([3, 4], 1), ids: ids() }),
    misshapen: [{ weight: [3] }, { weight: [0, 4] }],
    mistyped: [{ ids: 'float32' }, { weight: 'int32' }],
    huge: () => ({ inputs: { weight: tf.ones([3, 2 ** 20]), ids: tf.zeros([2 ** 20], 'int32') } }),
  },
  {
    kernel: 'FromBits',
    inputs: () => ({}),
    attributes: { bits: Uint16Array.of(0x3f80), shape: [1], storage: 'bfloat16' },
  },
  {
    kernel: 'FromFile',
    inputs: () => ({}),
    attributes: { ...ownText, shape: [2, 3] },
    huge: () => ({ attributes: { ...ownText, shape: [big, big] } }),
  },
  {
    kernel: 'GatedSilu',
    inputs: () => ({ gate: rows(1), up: rows(2) }),
    misshapen: [{ up: [3] }, { gate: [2, 1] }],
    mistyped: [{ gate: 'int32' }],
    huge: () => ({ inputs: { gate: long(), up: long() } }),
  },
  {
    kernel: 'Gelu',
    inputs: () => ({ x: rows(1) }),
    mistyped: [{ x: 'int32' }, { x: 'bool' }],
    huge: () => ({ inputs: { x: long() } }),
  },
  {
    kernel: 'GlobalNorm',
    inputs: () => ({ tensors: [rows(1)] }),
    huge: () => ({ inputs: { tensors: [long()] } }),
  },
  {
    kernel: 'GroupNorm',
    inputs: () => ({ x: random([2, 3, 4], 1), gain: tf.ones([4]), bias: tf.ones([4]) }),
    attributes: { groups: 2 },
    misshapen: [{ x: [4] }, { x: [2, 3, 5] }, { gain: [3] }, { bias: [2, 2] }, { x: [2, 0, 4] }],
    mistyped: [{ x: 'int32' }],
    huge: () => ({ inputs: { x: terabyte(big, big / 4, 4) } }),
  },
  {
    kernel: 'HeadLogProb',
    inputs: () => ({ hidden: rows(1), weight: random([4, 3], 2), bias: tf.ones([4]), ids: ids() }),
    misshapen: [{ hidden: [2, 4] }, { weight: [4, 2] }, { bias: [3] }, { ids: [3] }, { hidden: [6] }],
    mistyped: [{ ids: 'float32' }, { hidden: 'int32' }, { weight: 'int32' }],
    huge: () => ({
      inputs: { hidden: tf.ones([2, 1]), weight: terabyte(2 ** 38, 1), ids: ids() },
    }),
  },
  {
    kernel: 'KeyedNormal',
    inputs: () => ({}),
    attributes: { shape: [1, 3], words: [1, 2] },
    huge: () => ({ attributes: { shape: [1, 2 ** 38], words: [1, 2] } }),
  },
  {
    kernel: 'LayerNorm',
    inputs: () => ({ x: rows(1), gain: tf.ones([3]), bias: tf.ones([3]) }),
    misshapen: [{ x: [] }, { gain: [2] }, { bias: [4] }, { x: [3, 2] }],
    mistyped: [{ x: 'int32' }],
    huge: () => ({ inputs: { x: long() } }),
  },
  {
    kernel: 'Linear',
    inputs: () => ({ x: rows(1), weight: random([4, 3], 2), bias: tf.ones([4]) }),
    misshapen: [
      { x: [2, 2] },
      { x: [] },
      { weight: [3] },
      { weight: [4, 3, 1] },
      { bias: [3] },
      { bias: [1] },
    ],
    mistyped: [{ x: 'int32' }, { weight: 'int32' }],
    huge: () => ({ inputs: { x: tf.ones([2 ** 19, 1]), weight: tf.ones([2 ** 19, 1]) } }),
  },
  {
    kernel: 'RmsNorm',
    inputs: () => ({ x: rows(1), gain: tf.ones([3]) }),
    misshapen: [{ x: [] }, { gain: [2] }, { x: [3, 2] }],
    mistyped: [{ x: 'int32' }, { gain: 'int32' }],
    huge: () => ({ inputs: { x: long(), gain: tf.ones([big]) } }),
  },
  {
    kernel: 'RotaryEmbedding',
    inputs: () => ({ x: random([1, 2, 1, 4], 1), cosine: random([2, 2], 2), sine: random([2, 2], 3) }),
    misshapen: [
      { x: [2, 4] },
      { x: [1, 2, 1, 3] },
      { cosine: [2, 3] },
      { sine: [3, 2] },
      { sine: [2, 2, 2] },
    ],
    mistyped: [{ x: 'int32' }, { sine: 'int32' }],
    huge: () => ({
      inputs: { x: terabyte(2 ** 20, 2, 2 ** 15, 4), cosine: random([2, 2], 2), sine: random([2, 2], 3) },
    }),
  },
  {
    kernel: 'SeededNormal',
    inputs: () => ({}),
    attributes: { shape: [3], seed: 1 },
    huge: () => ({ attributes: { shape: [2 ** 38], seed: 1 } }),
  },
  {
    kernel: 'SeededUniform',
    inputs: () => ({}),
    attributes: { shape: [3], seed: 1 },
    huge: () => ({ attributes: { shape: [2 ** 38], seed: 1 } }),
  },
  {
    kernel: 'Silu',
    inputs: () => ({ x: rows(1) }),
    mistyped: [{ x: 'int32' }],
    huge: () => ({ inputs: { x: long() } }),
  },
  {
    kernel: 'SquaredNorm',
    inputs: () => ({ tensors: [rows(1)] }),
    huge: () => ({ inputs: { tensors: [long()] } }),
  },
  {
    kernel: 'TokenLogProb',
    inputs: () => ({ logits: rows(1), ids: ids() }),
    misshapen: [{ logits: [2] }, { logits: [3, 3] }, { ids: [2, 1] }, { logits: [2, 0] }],
    mistyped: [{ logits: 'int32' }, { ids: 'float32' }],
    huge: () => ({ inputs: { logits: terabyte(2, 2 ** 37), ids: ids() } }),
  },
  {
    kernel: 'TransformerBlock',
    inputs: blockInputs,
    attributes: { heads: 2, keep: true },
    misshapen: [
      { x: [2, 4] },
      { qkvWeight: [12, 3] },
      { upWeight: [5, 3] },
      { upBias: [4] },
      { attentionGain: [3] },
    ],
    mistyped: [{ x: 'int32' }, { downWeight: 'int32' }],
    huge: () => ({ inputs: { ...blockInputs(), x: terabyte(2 ** 18, 2 ** 18, 4) } }),
  },
  {
    kernel: 'Upsample',
    inputs: () => ({ x: image() }),
    attributes: { size: [4, 5], mode: 'bilinear' },
    misshapen: [{ x: [3, 3, 2] }, { x: [1, 0, 3, 2] }],
    mistyped: [{ x: 'int32' }],
    huge: () => ({ attributes: { size: [big, big], mode: 'nearest' } }),
  },
];

/** The result of a forward kernel beside its inputs, as its gradient kernel takes them. */
function after(kernel: string, inputs: Inputs, attributes: object = {}): Inputs {
  const y = run(kernel, inputs, attributes);
  return { ...inputs, y, dy: tf.ones(y.shape) };
}

function without(inputs: Inputs, ...names: string[]): Inputs {
  return Object.fromEntries(Object.entries(inputs).filter(([name]) => !names.includes(name)));
}

function probed(kernel: string, inputs: Inputs): Inputs {
  const [logProb, entropy] = runAll(kernel, inputs);
  const slopes = { dLogProb: tf.ones([2]), dEntropy: tf.ones([2]) };
  return { ...without(inputs, 'bias'), logProb: logProb!, entropy: entropy!, ...slopes };
}

const inputsOf = (kernel: string) => plain.find((one) => one.kernel === kernel)!.inputs();

const gradients: readonly FusedCase[] = [
  {
    kernel: 'AttentionGrad',
    inputs: () => after('Attention', attentionInputs()),
    misshapen: [{ dy: [1, 2, 2, 3] }, { dy: [1] }, { query: [1, 1, 2, 4] }, { key: [1, 3, 1, 5] }],
    mistyped: [{ dy: 'int32' }],
  },
  {
    kernel: 'ConvolutionInputGrad',
    inputs: () => ({ dy: random([1, 2, 2, 2], 1), weight: kernelWeight() }),
    attributes: { shape: [1, 3, 3, 2] },
    misshapen: [{ dy: [1, 2, 2] }, { dy: [1, 2, 2, 3] }, { weight: [2, 2] }],
    mistyped: [{ dy: 'int32' }],
  },
  {
    kernel: 'ConvolutionWeightGrad',
    inputs: () => ({ x: image(), dy: random([1, 2, 2, 2], 2) }),
    attributes: { shape: [2, 2, 2, 2] },
    misshapen: [{ dy: [1, 2, 2] }, { dy: [1, 2, 2, 3] }, { x: [1, 3, 3, 3] }],
    mistyped: [{ dy: 'int32' }],
  },
  {
    kernel: 'EmbeddingGrad',
    inputs: () => ({ dy: rows(1), ids: ids() }),
    attributes: { vocabulary: 3 },
    misshapen: [{ dy: [3, 2] }, { dy: [2] }, { ids: [3] }],
    mistyped: [{ ids: 'float32' }],
  },
  {
    kernel: 'GatedSiluGrad',
    inputs: () => ({ gate: rows(1), up: rows(2), dy: rows(3) }),
    misshapen: [{ dy: [3] }, { up: [2] }],
    mistyped: [{ dy: 'int32' }],
  },
  { kernel: 'GeluGrad', inputs: () => ({ x: rows(1), dy: rows(2) }), misshapen: [{ dy: [2, 2] }] },
  {
    kernel: 'GroupNormGrad',
    inputs: () => without(after('GroupNorm', inputsOf('GroupNorm'), { groups: 2 }), 'gain', 'bias'),
    attributes: { groups: 2 },
    misshapen: [{ dy: [2, 3, 3] }, { x: [2, 2, 4] }],
  },
  {
    kernel: 'HeadLogProbGrad',
    inputs: () => probed('HeadLogProb', inputsOf('HeadLogProb')),
    misshapen: [{ dLogProb: [3] }, { dEntropy: [] }, { hidden: [3, 3] }, { weight: [4, 2] }],
    mistyped: [{ ids: 'float32' }],
  },
  {
    kernel: 'LayerNormGrad',
    inputs: () => without(after('LayerNorm', inputsOf('LayerNorm')), 'gain', 'bias'),
    misshapen: [{ dy: [2, 2] }, { x: [3, 3] }],
  },
  { kernel: 'LinearBiasGrad', inputs: () => ({ dy: rows(1) }), misshapen: [{ dy: [] }] },
  {
    kernel: 'LinearInputGrad',
    inputs: () => ({ dy: rows(1), weight: random([3, 4], 2) }),
    misshapen: [{ dy: [2, 4] }, { weight: [4] }],
    mistyped: [{ dy: 'int32' }],
  },
  {
    kernel: 'LinearWeightGrad',
    inputs: () => ({ dy: rows(1), x: rows(2) }),
    misshapen: [{ dy: [3, 3] }, { x: [] }],
    mistyped: [{ dy: 'int32' }],
  },
  {
    kernel: 'RmsNormGrad',
    inputs: () => after('RmsNorm', inputsOf('RmsNorm')),
    misshapen: [{ dy: [2, 2] }, { x: [3, 3] }, { gain: [2] }],
    mistyped: [{ dy: 'int32' }],
  },
  { kernel: 'SiluGrad', inputs: () => ({ x: rows(1), dy: rows(2) }), misshapen: [{ dy: [2, 2] }] },
  {
    kernel: 'TokenLogProbGrad',
    inputs: () => probed('TokenLogProb', inputsOf('TokenLogProb')),
    misshapen: [{ dLogProb: [3] }, { dEntropy: [] }, { logits: [3, 3] }],
    mistyped: [{ ids: 'float32' }],
  },
  {
    kernel: 'TransformerBlockGrad',
    inputs: () => {
      const { y, dy } = after('TransformerBlock', blockInputs(), { heads: 2, keep: true });
      return { y: y!, dy: dy! };
    },
    attributes: { heads: 2 },
    misshapen: [{ dy: [1, 1, 4] }, { dy: [3] }, { dy: [2, 2, 4] }],
  },
  {
    kernel: 'UpsampleGrad',
    inputs: () => ({ dy: random([1, 4, 5, 2], 1) }),
    attributes: { shape: [1, 3, 3, 2], mode: 'bilinear' },
    misshapen: [{ dy: [1, 4, 5, 3] }, { dy: [4, 5, 2] }],
    mistyped: [{ dy: 'int32' }],
  },
];

/** Every fused kernel. */
export const fusedCases: readonly FusedCase[] = [...plain, ...gradients];
