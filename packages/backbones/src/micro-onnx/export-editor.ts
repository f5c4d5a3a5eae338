import { CELL_WORD_IDS, GRID, SLOTS, VOCABULARY } from '@thinkrl/microworld';
import { downloadParameters } from '@thinkrl/nn';
import { ModuleGraph, type ValuePair } from '@thinkrl/nn/onnx';
import type { Value } from '@thinkrl/onnx/format';
import type { Editor } from '../micro/index.ts';
import { TIME_FREQUENCIES } from '../micro/time-features.ts';
import { alwaysThere, asMask, slotsSeen } from './words.ts';

/**
 * The editor, one denoising step: inputs `reference [rows, 16, 192]`, `words [rows, 20]` (int64, 0 where there is none),
 * `latents [rows, 16, 192]` and `sigma [rows]`; outputs `clean` and `velocity`, `[rows, 16, 192]` each.
 */
export async function editorModel(model: Editor): Promise<Uint8Array> {
  const net = new ModuleGraph(await downloadParameters(model.parameters()));
  const { graph } = net;
  const picture = { type: 'float32', dims: ['rows', GRID.cells, GRID.cellNumbers] } as const;
  const reference = graph.input('reference', picture);
  const words = graph.input('words', { type: 'int64', dims: ['rows', SLOTS.editorText] });
  const latents = graph.input('latents', picture);
  const sigma = graph.input('sigma', { type: 'float32', dims: ['rows'] });

  const text = encodeText(net, model, words);
  const time = modulation(net, sigma);
  const mask = asMask(
    net,
    net.concat([slotsSeen(net, words, SLOTS.editorText), alwaysThere(net, words, GRID.cells)], 1),
  );
  const places = net.add(net.parameter('cells'), net.parameter('addresses'));
  let hidden = net.add(
    net.linear('noisy', latents),
    net.linear('reference', reference),
    text.grounded,
    places,
  );
  model.blocks.forEach((_, layer) => {
    hidden = editorBlock(net, model, { name: `blocks.${layer}`, hidden, time, text: text.encoded, mask });
  });
  const clean = net.linear('output', net.layerNorm(hidden, 'norm'));
  graph.output('clean', clean, picture);
  const noise = graph.node('Sub', [latents, clean]);
  graph.output('velocity', graph.node('Div', [noise, net.reshape(sigma, [-1, 1, 1])]), picture);
  return graph.encode({ name: 'micro-editor' });
}

interface GraphText {
  readonly encoded: Value;
  /** The encoded cell words at their cells: `[rows, 16, width]`. */
  readonly grounded: Value;
}

function encodeText(net: ModuleGraph, model: Editor, words: Value): GraphText {
  const { graph } = net;
  const hot = graph.node('Gather', [cellWordTable(net), words], { axis: 0 });
  const addressed = graph.node('MatMul', [hot, net.parameter('addresses')]);
  let hidden = net.add(net.embedding('words', words), net.parameter('positions'), addressed);
  const mask = asMask(net, slotsSeen(net, words, SLOTS.editorText));
  model.textBlocks.forEach((_, layer) => {
    hidden = net.transformerBlock(`textBlocks.${layer}`, hidden, { heads: model.size.heads, mask });
  });
  const encoded = net.layerNorm(hidden, 'textNorm');
  const turned = graph.node('Transpose', [hot], { perm: [0, 2, 1] });
  return { encoded, grounded: graph.node('MatMul', [turned, net.linear('grounding', encoded)]) };
}

/** 1 where a word names a cell: `[vocabulary, 16]`. */
function cellWordTable(net: ModuleGraph): Value {
  const table = new Array<number>(VOCABULARY.length * GRID.cells).fill(0);
  CELL_WORD_IDS.forEach((id, cell) => {
    table[id * GRID.cells + cell] = 1;
  });
  return net.numbers(table, [VOCABULARY.length, GRID.cells]);
}

/** `[rows, 1, 6 * width]`. */
function modulation(net: ModuleGraph, sigma: Value): Value {
  const frequencies = net.numbers([...TIME_FREQUENCIES], [TIME_FREQUENCIES.length]);
  const angles = net.mul(net.reshape(sigma, [-1, 1, 1]), frequencies);
  const features = net.concat([net.graph.node('Sin', [angles]), net.graph.node('Cos', [angles])], -1);
  return net.linear('timeOut', net.silu(net.linear('timeIn', features)));
}

interface BlockInputs {
  readonly name: string;
  readonly hidden: Value;
  readonly time: Value;
  readonly text: Value;
  readonly mask: Value;
}

function editorBlock(net: ModuleGraph, model: Editor, inputs: BlockInputs): Value {
  const { name, hidden, time, text, mask } = inputs;
  const { heads, width } = model.size;
  const parts = net.split(net.add(time, net.parameter(`${name}.offset`)), 6);
  const normed = (x: Value, [gain, bias]: readonly Value[]) =>
    net.add(net.mul(net.layerNorm(x, { size: width }), gain!), bias!);
  const [key, value] = net.projections(net.linear(`${name}.text`, text), { heads, count: 2 });
  const past: ValuePair = { key: key!, value: value! };
  const names = { qkv: `${name}.qkv`, output: `${name}.output` };
  const mixed = net.selfAttention(normed(hidden, parts.slice(0, 2)), names, { heads, mask, past });
  const attended = net.add(hidden, net.mul(mixed, parts[2]!));
  const forward = net.feedForward(`${name}.feedForward`, normed(attended, parts.slice(3, 5)));
  return net.add(attended, net.mul(forward, parts[5]!));
}
