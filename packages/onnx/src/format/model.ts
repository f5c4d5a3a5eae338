import { ModelFormatError } from '../error.ts';
import { GRAPH, MODEL, NODE, VALUE_INFO } from './schema.ts';
import { decodeMessage, encodeMessage, type Field, joined } from './wire.ts';

/** One operation of a model. */
export interface ModelNode {
  readonly name: string;
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** The structure of a model, without its weights. */
export interface ModelOutline {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly ModelNode[];
}

/**
 * What a model's file says of its structure.
 *
 * @throws ModelFormatError for bytes that are no ONNX model.
 */
export function outlineModel(model: Uint8Array): ModelOutline {
  const graphs = decodeMessage(model).filter(([number]) => number === MODEL.graph);
  if (graphs.length === 0) throw new ModelFormatError('there is no graph in it');
  const fields = decodeMessage(joined(graphs.map(([, bytes]) => bytesOf(bytes))));
  const parts = (number: number) =>
    fields.filter(([own]) => own === number).map(([, bytes]) => decodeMessage(bytesOf(bytes)));
  return {
    inputs: parts(GRAPH.input).map((info) => textOf(info, VALUE_INFO.name)),
    outputs: parts(GRAPH.output).map((info) => textOf(info, VALUE_INFO.name)),
    nodes: parts(GRAPH.node).map((node) => ({
      name: textOf(node, NODE.name),
      operator: textOf(node, NODE.operator),
      inputs: textsOf(node, NODE.input),
      outputs: textsOf(node, NODE.output),
    })),
  };
}

/**
 * The model with inner tensors given out as well. Nothing of the file is written anew: a second graph message after the
 * first is merged with it by every reader of protobuf.
 *
 * @throws ModelFormatError for a name that no node gives.
 * @example
 * const features = withOutputs(await readFile('detector.onnx'), ['conv2d_86.tmp_0']);
 */
export function withOutputs(model: Uint8Array, names: readonly string[]): Uint8Array {
  const { nodes, outputs } = outlineModel(model);
  const given = new Set(nodes.flatMap((node) => node.outputs));
  const unknown = names.filter((name) => !given.has(name));
  if (unknown.length > 0) throw new ModelFormatError(`no node gives ${unknown.join(', ')}`);
  const fresh = names.filter((name) => !outputs.includes(name));
  const infos = fresh.map((name): Field => [GRAPH.output, encodeMessage([[VALUE_INFO.name, name]])]);
  return joined([model, encodeMessage([[MODEL.graph, encodeMessage(infos)]])]);
}

function bytesOf(value: Field[1]): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new ModelFormatError('a number stands where a message should be');
}

function textsOf(fields: readonly Field[], number: number): readonly string[] {
  return fields
    .filter(([own]) => own === number)
    .map(([, bytes]) => new TextDecoder().decode(bytesOf(bytes)));
}

function textOf(fields: readonly Field[], number: number): string {
  return textsOf(fields, number).at(-1) ?? '';
}
