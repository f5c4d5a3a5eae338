/** Field numbers of ONNX's messages (onnx.proto, version 1). */
export const MODEL = { irVersion: 1, producer: 2, graph: 7, operatorSet: 8 } as const;

/** A set of operators: its version, for the standard ones. */
export const OPERATOR_SET = { version: 2 } as const;

/** A graph: nodes in an order in which they can be run. */
export const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 } as const;

/** A node: one operation. */
export const NODE = { input: 1, output: 2, name: 3, operator: 4, attribute: 5 } as const;

/** An attribute of a node, and the numbers of its types. */
export const ATTRIBUTE = {
  name: 1,
  float: 2,
  integer: 3,
  text: 4,
  integers: 8,
  type: 20,
  types: { float: 1, integer: 2, text: 3, integers: 7 },
} as const;

/** A tensor in the file, and the numbers of element types. */
export const TENSOR = {
  dims: 1,
  type: 2,
  name: 8,
  raw: 9,
  types: { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 },
} as const;

/** A name with its type and shape. */
export const VALUE_INFO = { name: 1, type: 2 } as const;

/** The parts of a tensor's type: element type and shape; a dimension is a number or a name. */
export const TENSOR_TYPE = { tensor: 1, element: 1, shape: 2, dimension: 1, extent: 1, symbol: 2 } as const;
