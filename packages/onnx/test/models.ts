import { GraphBuilder, type Value } from '@thinkrl/onnx/format';

/** `y = x W` with W = [[1], [2]]. */
export function tinyModel(): Uint8Array {
  const graph = new GraphBuilder();
  const x = graph.input('x', { type: 'float32', dims: ['rows', 2] });
  const weight = graph.constant('weight', { data: new Float32Array([1, 2]), dims: [2, 1] });
  graph.output('y', graph.node('MatMul', [x, weight]), { type: 'float32', dims: ['rows', 1] });
  return graph.encode({ name: 'tiny' });
}

/** Side of the square that {@link slowModel} takes. */
const SLOW_SIDE = 512;

/** Multiplies a square with itself over and over, scaled down: some 100 ms a run. */
export function slowModel(products = 40): Uint8Array {
  const graph = new GraphBuilder();
  const x = graph.input('x', { type: 'float32', dims: [SLOW_SIDE, SLOW_SIDE] });
  const scale = graph.constant('scale', { data: new Float32Array([1 / SLOW_SIDE]), dims: [] });
  let y: Value = x;
  for (let i = 0; i < products; i++) y = graph.node('Mul', [graph.node('MatMul', [y, x]), scale]);
  graph.output('y', graph.node('ReduceMean', [y], { keepdims: 0 }), { type: 'float32', dims: [] });
  return graph.encode({ name: 'slow' });
}

/** A square of ones for {@link slowModel}, whose answer is 1. */
export function slowFeed() {
  return { x: { data: new Float32Array(SLOW_SIDE ** 2).fill(1), dims: [SLOW_SIDE, SLOW_SIDE] } };
}
