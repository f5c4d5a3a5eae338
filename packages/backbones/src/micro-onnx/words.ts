import { PAD } from '@thinkrl/microworld';
import type { ModuleGraph } from '@thinkrl/nn/onnx';
import type { Value } from '@thinkrl/onnx/format';

/** Where ids `[rows, slots]` hold a word: bool `[rows, slots]`. */
export function wordsThere(net: ModuleGraph, ids: Value): Value {
  const padding = net.integers([PAD]);
  return net.graph.node('Not', [net.graph.node('Equal', [ids, padding])]);
}

/** The same where an empty text keeps its first slot. */
export function slotsSeen(net: ModuleGraph, ids: Value, slots: number): Value {
  const first = Array.from({ length: slots }, (_, slot) => slot === 0);
  return net.graph.node('Or', [wordsThere(net, ids), net.flags(first, [1, slots])]);
}

/** Truth values `[rows, sources]` as a mask of attention, `[rows, 1, 1, sources]`. */
export function asMask(net: ModuleGraph, there: Value): Value {
  return net.graph.node('Unsqueeze', [there, net.integers([1, 2])]);
}

/** `count` truth values that hold in every row, to stand beside those of `ids [rows, slots]`: `[rows, count]`. */
export function alwaysThere(net: ModuleGraph, ids: Value, count: number): Value {
  const one = net.graph.node('Slice', [ids, net.integers([0]), net.integers([1]), net.integers([1])]);
  const same = net.graph.node('Equal', [one, one]);
  return net.graph.node('And', [same, net.flags(new Array<boolean>(count).fill(true), [1, count])]);
}
