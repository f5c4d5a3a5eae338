import { GRID, SLOTS, VOCABULARY } from '@thinkrl/microworld';
import { downloadParameters } from '@thinkrl/nn';
import { ModuleGraph } from '@thinkrl/nn/onnx';
import type { Value } from '@thinkrl/onnx/format';
import { PLACES, type Understander } from '../micro/index.ts';
import { alwaysThere, asMask, slotsSeen, wordsThere } from './words.ts';

const TEXTS = ['instruction', 'plan', 'reflection'] as const;
const PICTURES = ['reference', 'edited'] as const;

/**
 * The understander, all of a chain at once: inputs `reference` and `edited`, `[rows, 16, 192]`, `instruction [rows, 20]`,
 * `plan [rows, 18]` and `reflection [rows, 14]` (int64, 0 where there is no word; the latter two begin with their opening
 * words); outputs `planLogits [rows, 18, words]` and `reflectionLogits [rows, 14, words]`, what comes after each word.
 */
export async function understanderModel(model: Understander): Promise<Uint8Array> {
  const net = new ModuleGraph(await downloadParameters(model.parameters()));
  const { graph } = net;
  const [reference, edited] = PICTURES.map((name) =>
    graph.input(name, { type: 'float32', dims: ['rows', GRID.cells, GRID.cellNumbers] }),
  );
  const [instruction, plan, reflection] = TEXTS.map((name) =>
    graph.input(name, { type: 'int64', dims: ['rows', SLOTS[name]] }),
  );
  const picture = (x: Value) => net.add(net.linear('picture', x), net.parameter('cells'));
  const word = (ids: Value) => net.embedding('words', ids);
  const tokens = [picture(reference!), word(instruction!), word(plan!), picture(edited!), word(reflection!)];
  const seen = [
    alwaysThere(net, plan!, GRID.cells),
    slotsSeen(net, instruction!, SLOTS.instruction),
    wordsThere(net, plan!),
    alwaysThere(net, plan!, GRID.cells),
    wordsThere(net, reflection!),
  ];
  const allowed = net.flags(allowedPairs(), [1, 1, PLACES.end, PLACES.end]);
  const mask = graph.node('And', [asMask(net, net.concat(seen, 1)), allowed]);
  let hidden = net.add(net.concat(tokens, 1), net.parameter('positions'));
  model.blocks.forEach((_, layer) => {
    hidden = net.transformerBlock(`blocks.${layer}`, hidden, { heads: model.size.heads, mask });
  });
  for (const name of ['plan', 'reflection'] as const) {
    const [from, to] = [PLACES[name], PLACES[name] + SLOTS[name]];
    const own = graph.node('Slice', [hidden, net.integers([from]), net.integers([to]), net.integers([1])]);
    const logits = net.linear('head', net.layerNorm(own, 'norm'));
    graph.output(`${name}Logits`, logits, {
      type: 'float32',
      dims: ['rows', SLOTS[name], VOCABULARY.length],
    });
  }
  return graph.encode({ name: 'micro-understander' });
}

/** Who may see whom where all slots are used: by target, then source, `[84 * 84]`. */
function allowedPairs(): readonly boolean[] {
  const places = Array.from({ length: PLACES.end }, (_, place) => place);
  return places.flatMap((target) => places.map((source) => mayAttend(target, source)));
}

/** Prompts see prompts; words see what is before them; the edited picture sees itself whole and never a reflection. */
function mayAttend(target: number, source: number): boolean {
  if (source < PLACES.plan) return true;
  if (target < PLACES.plan) return false;
  if (source >= PLACES.edit && source < PLACES.reflection) return target >= PLACES.edit;
  return target >= PLACES.edit && target < PLACES.reflection ? source < PLACES.edit : source <= target;
}
