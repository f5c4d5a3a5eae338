import { ModelFormatError } from '../error.ts';
import type { NetworkTensor } from '../tensor.ts';
import { ATTRIBUTE, GRAPH, MODEL, NODE, OPERATOR_SET, TENSOR, TENSOR_TYPE, VALUE_INFO } from './schema.ts';
import { encodeMessage, type Field, floatField, joined } from './wire.ts';

/** A tensor in a graph under construction, by name. */
export type Value = string;

/** Types of elements that graphs are built of. */
export type ElementType = keyof typeof TENSOR.types;

/** Extent of a dimension: a number, or a name for one that is free. */
export type Dimension = number | string;

/** What an input or output looks like. */
export interface ValueShape {
  readonly type: ElementType;
  readonly dims: readonly Dimension[];
}

/** Settings of a node by name: floats are written `{ float: 0.5 }`, since a number is a whole one. */
export type Attributes = Readonly<
  Record<string, number | string | readonly number[] | { readonly float: number }>
>;

/** What is written besides the graph. */
export interface ModelOptions {
  /** Name of the graph. */
  readonly name: string;
  /** Version of the standard operators; 17 unless given, which runtimes since 2022 read. */
  readonly operators?: number;
}

const IR_VERSION = 8;

/**
 * Builds an ONNX graph node by node.
 *
 * @example
 * const graph = new GraphBuilder();
 * const x = graph.input('x', { type: 'float32', dims: ['rows', 2] });
 * const weight = graph.constant('weight', { data: new Float32Array([1, 2]), dims: [2, 1] });
 * graph.output('y', graph.node('MatMul', [x, weight]), { type: 'float32', dims: ['rows', 1] });
 * await writeFile('double.onnx', graph.encode({ name: 'double' }));
 */
export class GraphBuilder {
  private readonly names = new Set<Value>();
  private readonly fields: Field[] = [];
  private count = 0;

  /** A tensor that is fed. Throws {@link ModelFormatError} for a name in use. */
  input(name: string, shape: ValueShape): Value {
    this.fields.push([GRAPH.input, valueInfo(name, shape)]);
    return this.claim(name);
  }

  /** A tensor that is part of the file. Throws {@link ModelFormatError} for a name in use. */
  constant(name: string, tensor: NetworkTensor): Value {
    this.fields.push([GRAPH.initializer, encodeTensor(name, tensor)]);
    return this.claim(name);
  }

  /** The first output of an operation; an input left out is an empty name. */
  node(operator: string, inputs: readonly Value[], attributes: Attributes = {}): Value {
    return this.nodeOf(operator, inputs, { outputs: 1, attributes })[0]!;
  }

  /** All outputs of an operation that has several. */
  nodeOf(
    operator: string,
    inputs: readonly Value[],
    { outputs, attributes = {} }: { readonly outputs: number; readonly attributes?: Attributes },
  ): readonly Value[] {
    for (const input of inputs)
      if (input !== '' && !this.names.has(input))
        throw new ModelFormatError(`${operator} takes ${input}, which nothing gives`);
    const name = `${operator}_${this.count++}`;
    const results = Array.from({ length: outputs }, (_, i) => this.claim(i === 0 ? name : `${name}:${i}`));
    const fields: Field[] = [
      ...inputs.map((input): Field => [NODE.input, input]),
      ...results.map((result): Field => [NODE.output, result]),
      [NODE.name, name],
      [NODE.operator, operator],
      ...Object.entries(attributes).map((entry): Field => [NODE.attribute, encodeAttribute(...entry)]),
    ];
    this.fields.push([GRAPH.node, encodeMessage(fields)]);
    return results;
  }

  /** Gives a tensor out under a name of its own. */
  output(name: string, value: Value, shape: ValueShape): void {
    const fields: Field[] = [
      [NODE.input, value],
      [NODE.output, this.claim(name)],
      [NODE.operator, 'Identity'],
    ];
    this.fields.push([GRAPH.node, encodeMessage(fields)], [GRAPH.output, valueInfo(name, shape)]);
  }

  /** The ONNX file. */
  encode({ name, operators = 17 }: ModelOptions): Uint8Array {
    return encodeMessage([
      [MODEL.irVersion, IR_VERSION],
      [MODEL.producer, 'thinkrl'],
      [MODEL.graph, encodeMessage([[GRAPH.name, name], ...this.fields])],
      [MODEL.operatorSet, encodeMessage([[OPERATOR_SET.version, operators]])],
    ]);
  }

  private claim(name: string): Value {
    if (name === '' || this.names.has(name))
      throw new ModelFormatError(`the name ${JSON.stringify(name)} is empty or in use`);
    this.names.add(name);
    return name;
  }
}

function encodeTensor(name: string, { data, dims }: NetworkTensor): Uint8Array {
  const size = dims.reduce((product, extent) => product * extent, 1);
  if (size !== data.length)
    throw new ModelFormatError(`${name} has ${data.length} numbers, [${dims.join(', ')}] needs ${size}`);
  return encodeMessage([
    ...dims.map((extent): Field => [TENSOR.dims, extent]),
    [TENSOR.type, TENSOR.types[elementType(data)]],
    [TENSOR.name, name],
    [TENSOR.raw, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
  ]);
}

/** Bytes are bools: nothing else in a graph is made of bytes here. */
function elementType(data: NetworkTensor['data']): ElementType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof Int32Array) return 'int32';
  return data instanceof BigInt64Array ? 'int64' : 'bool';
}

function encodeAttribute(name: string, value: Attributes[string]): Uint8Array {
  const of = (type: keyof typeof ATTRIBUTE.types, fields: readonly Field[]) =>
    encodeMessage([[ATTRIBUTE.name, name], ...fields, [ATTRIBUTE.type, ATTRIBUTE.types[type]]]);
  if (typeof value === 'number') return of('integer', [[ATTRIBUTE.integer, value]]);
  if (typeof value === 'string') return of('text', [[ATTRIBUTE.text, value]]);
  if ('float' in value) return joined([of('float', []), floatField(ATTRIBUTE.float, value.float)]);
  return of(
    'integers',
    value.map((item): Field => [ATTRIBUTE.integers, item]),
  );
}

function valueInfo(name: string, { type, dims }: ValueShape): Uint8Array {
  const shape = encodeMessage(
    dims.map((extent) => [
      TENSOR_TYPE.dimension,
      encodeMessage([[typeof extent === 'number' ? TENSOR_TYPE.extent : TENSOR_TYPE.symbol, extent]]),
    ]),
  );
  const tensor = encodeMessage([
    [TENSOR_TYPE.element, TENSOR.types[type]],
    [TENSOR_TYPE.shape, shape],
  ]);
  return encodeMessage([
    [VALUE_INFO.name, name],
    [VALUE_INFO.type, encodeMessage([[TENSOR_TYPE.tensor, tensor]])],
  ]);
}
