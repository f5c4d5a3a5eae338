import { Key, type RandomStream } from '@thinkrl/spec';

const TABLE_SIZE = 16384;

/** Standard normal draws, used from a random place on: training noise at a fraction of the cost of fresh draws. */
const TABLE: Float32Array = drawTable();

function drawTable(): Float32Array {
  const stream = Key.of(0).fold('corpus noise').stream();
  return Float32Array.from({ length: TABLE_SIZE }, () => stream.normal());
}

/** Adds normal noise to a picture's data in place and clips it to [0, 1]; `deviation` on the [0, 1] scale. */
export function addNoise(data: Float32Array, deviation: number, stream: RandomStream): void {
  const start = stream.integer(TABLE_SIZE);
  for (let i = 0; i < data.length; i++) {
    const value = data[i]! + deviation * TABLE[(start + i) % TABLE_SIZE]!;
    data[i] = Math.min(1, Math.max(0, value));
  }
}

/** A standard normal number from the table. */
export function tableNormal(stream: RandomStream): number {
  return TABLE[stream.integer(TABLE_SIZE)]!;
}
