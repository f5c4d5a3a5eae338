import { GraphBuilder, type Value } from '@thinkrl/onnx/format';
import { ConfigError } from '@thinkrl/spec';
import type { HostTensor } from '../safetensors/host-tensor.ts';

/** Keys and values of one attention layer, `[batch, tokens, heads, size]` each. */
export interface ValuePair {
  readonly key: Value;
  readonly value: Value;
}

/** How tokens attend in an exported layer. */
export interface GraphAttention {
  readonly heads: number;
  /** Bool, broadcastable to `[batch, heads, targets, sources]`; every target must see something. */
  readonly mask?: Value;
  /** Keys and values attended to before the tokens' own. */
  readonly past?: ValuePair;
}

/** Names of the two projections of an attention layer. */
export interface AttentionNames {
  readonly qkv: string;
  readonly output: string;
}

const EPSILON = 1e-5;
const FAR = -1e9;

/**
 * An ONNX graph made of the layers of this package, with their weights: each method writes the nodes that compute what
 * the module of its kind computes. Weights keep their checkpoint names; those of linear layers stand transposed.
 *
 * Uses operators of version 17, so that a free batch size is all that is dynamic and any runtime since 2022 reads it.
 *
 * @example
 * const net = new ModuleGraph(await downloadParameters(model.parameters()));
 * const x = net.graph.input('x', { type: 'float32', dims: ['rows', 8] });
 * net.graph.output('y', net.linear('head', x), { type: 'float32', dims: ['rows', 3] });
 */
export class ModuleGraph {
  readonly graph: GraphBuilder = new GraphBuilder();
  private readonly weights: ReadonlyMap<string, HostTensor>;
  private readonly written = new Map<string, Value>();
  private constants = 0;

  constructor(weights: ReadonlyMap<string, HostTensor>) {
    this.weights = weights;
  }

  /** A parameter as it is. Throws ConfigError where there is none of this name. */
  parameter(name: string): Value {
    return this.once(name, () => {
      const { data, shape } = this.host(name);
      return this.graph.constant(name, { data, dims: shape });
    });
  }

  /** Whether there is a parameter of this name. */
  has(name: string): boolean {
    return this.weights.has(name);
  }

  /** Fixed numbers, a scalar unless given a shape. */
  numbers(values: number | readonly number[], dims: readonly number[] = []): Value {
    const data = Float32Array.from(typeof values === 'number' ? [values] : values);
    return this.graph.constant(`constant_${this.constants++}`, { data, dims });
  }

  /** Fixed whole numbers in a row, as shapes and axes are given. */
  integers(values: readonly number[]): Value {
    const data = BigInt64Array.from(values, BigInt);
    return this.graph.constant(`constant_${this.constants++}`, { data, dims: [values.length] });
  }

  /** Fixed truth values. */
  flags(values: readonly boolean[], dims: readonly number[]): Value {
    const data = Uint8Array.from(values, Number);
    return this.graph.constant(`constant_${this.constants++}`, { data, dims });
  }

  /** Sum of two or more tensors. */
  add(first: Value, ...others: readonly Value[]): Value {
    return others.reduce((sum, other) => this.graph.node('Add', [sum, other]), first);
  }

  /** Product of two tensors, element by element. */
  mul(left: Value, right: Value): Value {
    return this.graph.node('Mul', [left, right]);
  }

  /** Another shape; 0 keeps an extent, -1 stands for what is left. */
  reshape(x: Value, dims: readonly number[]): Value {
    return this.graph.node('Reshape', [x, this.integers(dims)]);
  }

  /** `count` equal parts along the last axis. */
  split(x: Value, count: number): readonly Value[] {
    return this.graph.nodeOf('Split', [x], { outputs: count, attributes: { axis: -1 } });
  }

  /** One tensor after the other along an axis. */
  concat(parts: readonly Value[], axis: number): Value {
    return this.graph.node('Concat', parts, { axis });
  }

  /** A `Linear`. */
  linear(name: string, x: Value): Value {
    const product = this.graph.node('MatMul', [x, this.transposed(`${name}.weight`)]);
    return this.has(`${name}.bias`) ? this.add(product, this.parameter(`${name}.bias`)) : product;
  }

  /** A `LayerNorm`; without a name one with neither gain nor bias, over `size` numbers. */
  layerNorm(x: Value, layer: string | { readonly size: number }): Value {
    const affine =
      typeof layer === 'string'
        ? [this.parameter(`${layer}.gain`), this.parameter(`${layer}.bias`)]
        : [this.ones(layer.size)];
    return this.graph.node('LayerNormalization', [x, ...affine], { axis: -1, epsilon: { float: EPSILON } });
  }

  /** An `Embedding` of int64 ids. */
  embedding(name: string, ids: Value): Value {
    return this.graph.node('Gather', [this.parameter(`${name}.weight`), ids], { axis: 0 });
  }

  /** `silu`. */
  silu(x: Value): Value {
    return this.mul(x, this.graph.node('Sigmoid', [x]));
  }

  /** `gelu` in the exact form. */
  gelu(x: Value): Value {
    const erf = this.graph.node('Erf', [this.mul(x, this.numbers(Math.SQRT1_2))]);
    return this.mul(this.mul(x, this.numbers(0.5)), this.add(erf, this.numbers(1)));
  }

  /** A `FeedForward`. */
  feedForward(name: string, x: Value): Value {
    return this.linear(`${name}.down`, this.gelu(this.linear(`${name}.up`, x)));
  }

  /** `count` joint projections `[batch, tokens, count * width]`, apart and by heads. */
  projections(
    joint: Value,
    { heads, count }: { readonly heads: number; readonly count: number },
  ): readonly Value[] {
    return this.split(joint, count).map((part) => this.reshape(part, [0, 0, heads, -1]));
  }

  /** A `SelfAttention` on `x [batch, tokens, width]`, its projections under names of their own. */
  selfAttention(x: Value, names: AttentionNames, { heads, mask, past }: GraphAttention): Value {
    const [query, key, value] = this.projections(this.linear(names.qkv, x), { heads, count: 3 });
    const keys = past === undefined ? key! : this.concat([past.key, key!], 1);
    const values = past === undefined ? value! : this.concat([past.value, value!], 1);
    const ordered = (tensor: Value, perm: readonly number[]) =>
      this.graph.node('Transpose', [tensor], { perm });
    const size = this.host(`${names.output}.weight`).shape[1]! / heads;
    const scaled = this.mul(ordered(query!, [0, 2, 1, 3]), this.numbers(1 / Math.sqrt(size)));
    const scores = this.graph.node('MatMul', [scaled, ordered(keys, [0, 2, 3, 1])]);
    const visible = mask === undefined ? scores : this.graph.node('Where', [mask, scores, this.numbers(FAR)]);
    const chances = this.graph.node('Softmax', [visible], { axis: -1 });
    const mixed = this.graph.node('MatMul', [chances, ordered(values, [0, 2, 1, 3])]);
    return this.linear(names.output, this.reshape(ordered(mixed, [0, 2, 1, 3]), [0, 0, size * heads]));
  }

  /** A `TransformerBlock`. */
  transformerBlock(name: string, x: Value, attention: GraphAttention): Value {
    const names = { qkv: `${name}.attention.qkv`, output: `${name}.attention.output` };
    const mixed = this.selfAttention(this.layerNorm(x, `${name}.attentionNorm`), names, attention);
    const attended = this.add(x, mixed);
    const inner = this.layerNorm(attended, `${name}.feedForwardNorm`);
    return this.add(attended, this.feedForward(`${name}.feedForward`, inner));
  }

  /** The values of a parameter. Throws ConfigError where there is none of this name. */
  host(name: string): HostTensor {
    const tensor = this.weights.get(name);
    if (tensor === undefined)
      throw new ConfigError({
        field: 'weights',
        value: name,
        fix: 'give the parameters of the whole module',
      });
    return tensor;
  }

  private transposed(name: string): Value {
    return this.once(name, () => {
      const { data, shape } = this.host(name);
      const [rows, columns] = shape as [number, number];
      const turned = new Float32Array(rows * columns);
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++)
          turned[column * rows + row] = Number(data[row * columns + column]);
      return this.graph.constant(name, { data: turned, dims: [columns, rows] });
    });
  }

  private ones(size: number): Value {
    return this.once(`ones ${size}`, () => this.numbers(new Array<number>(size).fill(1), [size]));
  }

  private once(name: string, make: () => Value): Value {
    const value = this.written.get(name) ?? make();
    this.written.set(name, value);
    return value;
  }
}
