import { NetworkRunError } from './error.ts';

/** Numbers that go into or come out of a network. */
export type TensorData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

/** A tensor in host memory: `data` row by row, as many numbers as `dims` multiply to. */
export interface NetworkTensor {
  readonly data: TensorData;
  readonly dims: readonly number[];
}

/** Tensors by the name of a network's input or output. */
export type Feeds = Readonly<Record<string, NetworkTensor>>;

/** One tensor as it is sent to a worker thread. */
export interface SentTensor {
  readonly name: string;
  readonly type: string;
  readonly data: TensorData;
  readonly dims: readonly number[];
}

/**
 * Copies of the feeds that may be handed over: a view would drag its whole buffer along, and shared memory is refused by
 * the runtime.
 *
 * @throws NetworkRunError for feeds that do not name every input, or whose shape and data disagree.
 */
export function toSend(feeds: Feeds, inputs: readonly string[]): readonly SentTensor[] {
  const missing = inputs.filter((name) => feeds[name] === undefined);
  const unknown = Object.keys(feeds).filter((name) => !inputs.includes(name));
  if (missing.length > 0 || unknown.length > 0)
    throw new NetworkRunError(
      `the inputs are ${inputs.join(', ')}; ${listed('missing', missing)}${listed('unknown', unknown)}`,
    );
  return inputs.map((name) => {
    const { data, dims } = feeds[name]!;
    const size = dims.reduce((product, extent) => product * extent, 1);
    if (size !== data.length)
      throw new NetworkRunError(`${name} has ${data.length} numbers, [${dims.join(', ')}] needs ${size}`);
    return { name, type: typeName(data), data: data.slice(), dims };
  });
}

function listed(word: string, names: readonly string[]): string {
  return names.length === 0 ? '' : `${word}: ${names.join(', ')} `;
}

function typeName(data: TensorData): string {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof Int32Array) return 'int32';
  return data instanceof BigInt64Array ? 'int64' : 'uint8';
}
