/** An array as it travels to the peer: row-major, base64 of little-endian float32 or int32. */
export interface WireArray {
  readonly type: 'float' | 'integer';
  readonly shape: readonly number[];
  readonly data: string;
}

/** Numbers of shape `shape` for the wire; integers when they come as an Int32Array. */
export function toWire(values: Float32Array | Int32Array, shape: readonly number[]): WireArray {
  const data = Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
  return { type: values instanceof Int32Array ? 'integer' : 'float', shape, data };
}

/** The float32 numbers of an array from the wire. */
export function fromWire({ data }: WireArray): Float32Array {
  const bytes = Buffer.from(data, 'base64');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** Rows of ids side by side, padded with -1 to the longest: `[rows, longest]`. */
export function rowsToWire(rows: readonly ArrayLike<number>[]): WireArray {
  const width = Math.max(1, ...rows.map((row) => row.length));
  const ids = new Int32Array(rows.length * width).fill(-1);
  rows.forEach((row, index) => {
    ids.set(row, index * width);
  });
  return toWire(ids, [rows.length, width]);
}

/** Equally long rows of numbers as one array of shape `[rows, ...shape]`. */
export function stackToWire(rows: readonly Float32Array[], shape: readonly number[]): WireArray {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const values = new Float32Array(rows.length * size);
  rows.forEach((row, index) => {
    values.set(row, index * size);
  });
  return toWire(values, [rows.length, ...shape]);
}
