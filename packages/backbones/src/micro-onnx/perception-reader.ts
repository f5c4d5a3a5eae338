import type { CellReader } from '@thinkrl/microworld';
import { GRID, SPOILT, SPOILT_LABEL, writeCells } from '@thinkrl/microworld';
import type { Feeds, Network } from '@thinkrl/onnx';
import { PERCEPTION_CLASSES } from '../micro/index.ts';
import { shippedFile } from '../micro/weights.ts';

const NUMBERS = GRID.cells * GRID.cellNumbers;
const PICTURES_AT_ONCE = 256;

/** Path of the shipped perception net. Throws MicroWeightsError when it is not beside the package's code. */
export function shippedPerception(): string {
  return shippedFile('perception.onnx');
}

/**
 * Sees pictures through an exported perception net.
 *
 * @example
 * const network = await loadNetwork({ model: shippedPerception() });
 * const [cells] = await perceptionReader(network)([picture]);
 */
export function perceptionReader(network: Network): CellReader {
  return async (images, call = {}) => {
    const batches = Array.from({ length: Math.ceil(images.length / PICTURES_AT_ONCE) }, (_, batch) =>
      images.slice(batch * PICTURES_AT_ONCE, (batch + 1) * PICTURES_AT_ONCE),
    );
    const seen = await Promise.all(batches.map((batch) => network.run(feedsOf(batch), call)));
    return seen.flatMap((outputs, batch) => batches[batch]!.map((_, row) => cellsOf(outputs, row)));
  };
}

function feedsOf(images: Parameters<CellReader>[0]): Feeds {
  const data = new Float32Array(images.length * NUMBERS);
  images.forEach((image, row) => {
    writeCells(image, data, row * NUMBERS);
  });
  for (let i = 0; i < data.length; i++) data[i] = data[i]! * 2 - 1;
  return { cells: { data, dims: [images.length, GRID.cells, GRID.cellNumbers] } };
}

function cellsOf({ logits }: Feeds, row: number): readonly number[] {
  return Array.from({ length: GRID.cells }, (_, cell) => {
    const start = (row * GRID.cells + cell) * PERCEPTION_CLASSES;
    const scores = logits!.data.subarray(start, start + PERCEPTION_CLASSES) as Float32Array;
    const best = scores.indexOf(Math.max(...scores));
    return best === SPOILT_LABEL ? SPOILT : best;
  });
}
