import * as tf from '@tensorflow/tfjs-core';
import { recording } from '../autodiff/tape.ts';
import { attention } from './attention.ts';
import { hasKernel, runFused } from './fused.ts';
import { gelu } from './gelu.ts';
import { layerNorm } from './layer-norm.ts';
import { linear } from './linear.ts';

/** Keys and values of one attention layer, `[batch, tokens, heads, size]` each. */
export interface KeyValues {
  readonly key: tf.Tensor4D;
  readonly value: tf.Tensor4D;
}

/** Room for keys and values of one layer, to be written in place from token `position` on. */
export interface CacheRoom extends KeyValues {
  readonly position: number;
}

/** One layer of a cache of earlier tokens. */
export interface LayerCache {
  /** Where the engine may write in place; null where it cannot. */
  readonly room: CacheRoom | null;
  /** Adds the new tokens' keys and values and returns all that is held with them. */
  append(fresh: KeyValues): KeyValues;
}

/** How tokens attend in one call. */
export interface AttendOptions {
  /** Bool, broadcastable to `[batch, heads, targets, sources]`: true where a target may attend. */
  readonly mask?: tf.Tensor | undefined;
  /** Keys and values of earlier tokens, attended to before the tokens' own. */
  readonly past?: KeyValues | undefined;
  /** A cache of earlier tokens, instead of `past`; the tokens' own keys and values are added to it. */
  readonly cache?: LayerCache | undefined;
  /** Only the last so many tokens ask, by the last rows of the mask; all tokens are still attended to. */
  readonly targets?: number | undefined;
}

/** Weights of self-attention with one joint projection; weights are `[out, in]`, biases vectors. */
export interface AttentionWeights {
  readonly qkvWeight: tf.Tensor;
  readonly qkvBias?: tf.Tensor | undefined;
  readonly outputWeight: tf.Tensor;
  readonly outputBias?: tf.Tensor | undefined;
}

/**
 * Weights of a pre-norm block. Norms' gains and biases and the gates on what each half adds are `[width]`, or
 * `[batch, 1, width]` where they differ from row to row.
 */
export interface BlockWeights extends AttentionWeights {
  readonly attentionGain?: tf.Tensor | undefined;
  readonly attentionBias?: tf.Tensor | undefined;
  readonly attentionGate?: tf.Tensor | undefined;
  readonly forwardGain?: tf.Tensor | undefined;
  readonly forwardBias?: tf.Tensor | undefined;
  readonly upWeight: tf.Tensor;
  readonly upBias?: tf.Tensor | undefined;
  readonly downWeight: tf.Tensor;
  readonly downBias?: tf.Tensor | undefined;
  readonly forwardGate?: tf.Tensor | undefined;
}

/** Settings of {@link transformerBlock}. */
export interface BlockOptions extends AttendOptions {
  readonly heads: number;
  /** Added to the variance in both norms; 1e-5 unless given. */
  readonly epsilon?: number | undefined;
}

/** What a block gives: `output [batch, targets, width]` and the tokens' own keys and values. */
export interface BlockResult {
  readonly output: tf.Tensor3D;
  readonly fresh: KeyValues;
}

/**
 * A pre-norm transformer block on `x [batch, tokens, width]`: self-attention, then a feed-forward layer with exact GELU,
 * each added to its input through its gate. One kernel forward and one backward where the engine has them.
 *
 * @example
 * const y = transformerBlock(x, weights, { heads: 4, mask });
 */
export function transformerBlock(x: tf.Tensor3D, weights: BlockWeights, options: BlockOptions): tf.Tensor3D {
  if (!fuses(weights, options)) return composedTransformerBlock(x, weights, options).output;
  return fused(x, weights, options, false)[0] as tf.Tensor3D;
}

/** {@link transformerBlock} with the tokens' own keys and values. */
export function transformerBlockWithKeyValues(
  x: tf.Tensor3D,
  weights: BlockWeights,
  options: BlockOptions,
): BlockResult {
  if (!fuses(weights, options)) return composedTransformerBlock(x, weights, options);
  const [output, key, value] = fused(x, weights, options, true);
  return {
    output: output as tf.Tensor3D,
    fresh: { key: key as tf.Tensor4D, value: value as tf.Tensor4D },
  };
}

/** {@link transformerBlockWithKeyValues} from smaller operations. */
export function composedTransformerBlock(
  x: tf.Tensor3D,
  weights: BlockWeights,
  options: BlockOptions,
): BlockResult {
  const { epsilon } = options;
  const normed = affineNorm(x, weights.attentionGain, weights.attentionBias, epsilon);
  const { output: mixed, fresh } = selfAttention(normed, weights, options);
  const attended = tf.add(lastTokens(x, options.targets), throughGate(mixed, weights.attentionGate));
  const inner = linear(
    affineNorm(attended as tf.Tensor3D, weights.forwardGain, weights.forwardBias, epsilon),
    weights.upWeight,
    weights.upBias,
  );
  const forward = linear(gelu(inner), weights.downWeight, weights.downBias);
  return { output: tf.add(attended, throughGate(forward, weights.forwardGate)), fresh };
}

/** Self-attention on `x [batch, tokens, width]`. */
export function selfAttention(
  x: tf.Tensor3D,
  weights: AttentionWeights,
  options: Pick<BlockOptions, keyof AttendOptions | 'heads'>,
): BlockResult {
  const [queries, key, value] = projections(linear(x, weights.qkvWeight, weights.qkvBias), options.heads, 3);
  const fresh = { key: key!, value: value! };
  const sources = options.cache?.append(fresh) ?? joined(options.past, fresh);
  const query = lastTokens(queries!, options.targets);
  const mixed = attention({ query, ...sources, mask: lastRows(options.mask, options.targets) });
  const [batch, targets] = mixed.shape;
  const flat = tf.reshape(mixed, [batch, targets, x.shape[2]]) as tf.Tensor3D;
  return { output: linear(flat, weights.outputWeight, weights.outputBias), fresh };
}

/** Splits joint projections `[batch, tokens, count * width]` into `count` of `[batch, tokens, heads, width / heads]`. */
export function projections(joint: tf.Tensor3D, heads: number, count: number): readonly tf.Tensor4D[] {
  const [batch, tokens, all] = joint.shape;
  const shape: [number, number, number, number] = [batch, tokens, heads, all / count / heads];
  return tf.split(joint, count, -1).map((part) => tf.reshape(part, shape));
}

/** The last `count` tokens of `x [batch, tokens, ...]`; `x` itself without a count. */
function lastTokens<T extends tf.Tensor>(x: T, count: number | undefined): T {
  return lastAlong(x, 1, count);
}

function fuses(weights: BlockWeights, { cache }: BlockOptions): boolean {
  const { attentionGain, attentionBias, attentionGate, forwardGain, forwardBias, forwardGate } = weights;
  const vectors = [attentionGain, attentionBias, attentionGate, forwardGain, forwardBias, forwardGate];
  if (cache?.room === null || vectors.some((vector) => vector !== undefined && vector.rank !== 1))
    return false;
  return hasKernel('TransformerBlock');
}

function fused(
  x: tf.Tensor3D,
  weights: BlockWeights,
  options: BlockOptions,
  giveKeyValues: boolean,
): tf.Tensor[] {
  const { mask, heads, targets, epsilon } = options;
  const room = options.cache?.room;
  const past = room ?? options.past;
  return runFused(
    'TransformerBlock',
    { x, mask, pastKey: past?.key, pastValue: past?.value, ...weights },
    { heads, targets, epsilon, position: room?.position, giveKeyValues, keep: recording() },
  );
}

function affineNorm(
  x: tf.Tensor3D,
  gain: tf.Tensor | undefined,
  bias: tf.Tensor | undefined,
  epsilon: number | undefined,
): tf.Tensor3D {
  if ((gain?.rank ?? 1) === 1 && (bias?.rank ?? 1) === 1) return layerNorm(x, { gain, bias }, epsilon);
  const scaled = gain === undefined ? layerNorm(x, {}, epsilon) : tf.mul(layerNorm(x, {}, epsilon), gain);
  return bias === undefined ? (scaled as tf.Tensor3D) : tf.add(scaled, bias);
}

function throughGate(x: tf.Tensor3D, gate: tf.Tensor | undefined): tf.Tensor3D {
  return gate === undefined ? x : tf.mul(x, gate);
}

function joined(past: KeyValues | undefined, fresh: KeyValues): KeyValues {
  if (past === undefined) return fresh;
  return { key: tf.concat([past.key, fresh.key], 1), value: tf.concat([past.value, fresh.value], 1) };
}

/** The mask's rows of the last `count` targets, unless one row serves all. */
function lastRows(mask: tf.Tensor | undefined, count: number | undefined): tf.Tensor | undefined {
  if (mask === undefined || mask.shape[mask.rank - 2] === 1) return mask;
  return lastAlong(mask, mask.rank - 2, count);
}

function lastAlong<T extends tf.Tensor>(x: T, axis: number, count: number | undefined): T {
  const extent = x.shape[axis]!;
  if (count === undefined || count === extent) return x;
  const start = x.shape.map((_, i) => (i === axis ? extent - count : 0));
  const size = x.shape.map((all, i) => (i === axis ? count : all));
  return tf.slice(x, start, size) as T;
}
