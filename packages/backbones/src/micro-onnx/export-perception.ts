import { GRID } from '@thinkrl/microworld';
import { downloadParameters } from '@thinkrl/nn';
import { ModuleGraph } from '@thinkrl/nn/onnx';
import { PERCEPTION_CLASSES, type Perception } from '../micro/index.ts';

/** The perception net: input `cells [rows, 16, 192]` in [-1, 1], output `logits [rows, 16, 54]`. */
export async function perceptionModel(model: Perception): Promise<Uint8Array> {
  const net = new ModuleGraph(await downloadParameters(model.parameters()));
  const cells = net.graph.input('cells', { type: 'float32', dims: ['rows', GRID.cells, GRID.cellNumbers] });
  const hidden = net.gelu(net.linear('second', net.gelu(net.linear('first', cells))));
  net.graph.output('logits', net.linear('head', hidden), {
    type: 'float32',
    dims: ['rows', GRID.cells, PERCEPTION_CLASSES],
  });
  return net.graph.encode({ name: 'micro-perception' });
}
