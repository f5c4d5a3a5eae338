import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memory, tensor, type Variable } from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { AdamW, FeedForward, LoraAdapter, loadParameters, Module, ParameterMismatchError } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  fullyShard,
  loadShards,
  openShards,
  type ShardedModule,
  ShardFileError,
  saveShards,
  singleProcess,
} from '../src/index.ts';
import { fakeShardingWorld } from '../src/testing/index.ts';

beforeAll(async () => {
  await useEngine({ engine: 'torch', threads: 1 });
});

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Parameters of some shapes, filled from a seed; a part of it is a unit. */
class Bag extends Module {
  constructor(shapes: Shapes, seed: number, parts: Readonly<Record<string, Shapes>> = {}) {
    super();
    for (const [name, shape] of Object.entries(shapes))
      this.parameter(name, tensor(numbers(sizeOf(shape), `${seed}.${name}`), [...shape]));
    for (const [name, inner] of Object.entries(parts)) this.child(name, new Bag(inner, seed + 1));
  }

  get units(): readonly Module[] {
    return [...this.modules().values()];
  }
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);

function numbers(count: number, seed: string): Float32Array {
  const stream = Key.of(3).fold(seed).stream();
  return Float32Array.from({ length: count }, () => stream.normal());
}

const temporary = () => mkdtempSync(join(tmpdir(), 'shards-'));
const bitsOf = (values: Float32Array) => [...new Int32Array(values.slice().buffer)];

/** Shares a bag out over a world: the ranks, and beside each an optimiser whose first moments are `-parameter`. */
async function shared(make: () => Bag, worldSize: number) {
  const group = worldSize === 1 ? [singleProcess()] : fakeShardingWorld(worldSize);
  return Promise.all(
    group.map(async (member) => {
      const bag = make();
      const sharded = fullyShard(bag, { group: member, units: bag.units });
      const optimizer = AdamW.create({ parameters: sharded.shards(), learningRate: 0.1 });
      const states = statesOf(sharded, optimizer);
      for (const [name, moment] of states[1]!.vectors) {
        const values = await sharded.shards().get(name)!.data();
        const opposite = Float32Array.from(values, (value) => -value);
        moment.assign(tensor(opposite, moment.shape));
      }
      return { sharded, states };
    }),
  );
}

function statesOf(sharded: ShardedModule, optimizer: AdamW) {
  const { moments } = optimizer.state();
  const first = new Map<string, Variable>();
  for (const name of sharded.shards().keys()) first.set(name, moments.get(`first.${name}`)!);
  return [{ vectors: sharded.shards() }, { prefix: 'first.', vectors: first }];
}

async function saved(ranks: Awaited<ReturnType<typeof shared>>): Promise<readonly string[]> {
  const folder = temporary();
  const paths = ranks.map((_, rank) => join(folder, `bag.${rank}-of-${ranks.length}.safetensors`));
  await Promise.all(ranks.map(({ sharded, states }, rank) => saveShards(paths[rank]!, sharded, states)));
  return paths;
}

/** The runs of values in a file, read by the words of the format. */
function runsIn(path: string) {
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const { __metadata__: said = {}, ...header } = JSON.parse(bytes.toString('utf8', 8, 8 + length));
  return Object.entries<{ shape: number[]; data_offsets: [number, number] }>(header).map(([name, tensor]) => {
    const place = said[name] === undefined ? { shape: tensor.shape, offset: 0 } : JSON.parse(said[name]);
    const count = (tensor.data_offsets[1] - tensor.data_offsets[0]) / 4;
    const from = 8 + length + tensor.data_offsets[0];
    const values = Array.from({ length: count }, (_, i) => bytes.readFloatLE(from + 4 * i));
    return { ...(place as { shape: number[]; offset: number }), name, values };
  });
}

/** The values of parameters by name. */
type Values = Readonly<Record<string, Float32Array>>;

/** What a rank's shards must be, by name, of units whose parameters have some values; of a rank alone the parameters. */
function expectedShards(units: Readonly<Record<string, Values>>, worldSize: number, rank: number): Values {
  if (worldSize === 1) return Object.assign({}, ...Object.values(units));
  return Object.fromEntries(
    Object.entries(units).map(([name, values]) => [name, cut(Object.values(values), worldSize)[rank]!]),
  );
}

/** Parameters from every 16th place on, zeros between and after, cut evenly. */
function cut(parameters: readonly Float32Array[], worldSize: number): readonly Float32Array[] {
  const flat: number[] = [];
  for (const values of parameters) {
    while (flat.length % 16 > 0) flat.push(0);
    flat.push(...values);
  }
  const length = Math.ceil(flat.length / worldSize);
  return Array.from({ length: worldSize }, (_, rank) =>
    Float32Array.from({ length }, (_, i) => flat[rank * length + i] ?? 0),
  );
}

const shapes = fc.array(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }), {
  minLength: 1,
  maxLength: 3,
});
const worlds = fc.integer({ min: 1, max: 5 });

describe('shards', () => {
  it('say what they hold: by hand, 20 values of a and, from place 32 on, 3 of b over 2 ranks', async () => {
    const [, last] = await saved(await shared(() => new Bag({ a: [20], b: [1, 3] }, 1), 2));
    const bytes = readFileSync(last!);
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + length));
    expect(header.__metadata__).toEqual({
      a: '{"shape":[20],"offset":18}',
      'first.a': '{"shape":[20],"offset":18}',
    });
    expect(header.a).toMatchObject({ dtype: 'F32', shape: [2] });
    expect(header.b).toMatchObject({ dtype: 'F32', shape: [1, 3] });
    const at = (name: string) => bytes.readFloatLE(8 + length + header[name].data_offsets[0]);
    expect(at('a')).toBe(numbers(20, '1.a')[18]);
    expect(at('b')).toBe(numbers(3, '1.b')[0]);
    expect(at('first.a')).toBe(-numbers(20, '1.a')[18]!);
  });

  it('are read in worlds of any size as they were saved, to the bit, and where nothing is sharded', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, shapes, worlds, worlds, async (outer, inner, from, to) => {
        const named = (list: readonly (readonly number[])[]) =>
          Object.fromEntries(list.map((shape, i) => [`p${i}`, shape]));
        const bag = (seed: number) => new Bag(named(outer), seed, { part: named(inner) });
        const opened = openShards(await saved(await shared(() => bag(1), from)));
        const ranks = await shared(() => bag(5), to);
        const valuesOf = (list: readonly (readonly number[])[], place: string, seed: number) =>
          Object.fromEntries(
            list.map((shape, i) => [`${place}p${i}`, numbers(sizeOf(shape), `${seed}.p${i}`)]),
          );
        const units = { root: valuesOf(outer, '', 1), part: valuesOf(inner, 'part.', 2) };
        for (const [rank, { sharded, states }] of ranks.entries()) {
          loadShards(sharded, opened.tensors, states);
          const expected = expectedShards(units, to, rank);
          expect([...states[0]!.vectors.keys()].sort()).toEqual(Object.keys(expected).sort());
          for (const [name, values] of Object.entries(expected)) {
            expect(bitsOf((await states[0]!.vectors.get(name)!.data()) as Float32Array)).toEqual(
              bitsOf(values),
            );
            const moments = (await states[1]!.vectors.get(name)!.data()) as Float32Array;
            expect([...moments].map((value) => 0 - value)).toEqual([...values]);
          }
        }
        const plain = bag(9);
        const weights = [...opened.tensors].filter(([name]) => !name.startsWith('first.'));
        loadParameters(plain.parameters(), new Map(weights));
        const original = bag(1).parameters();
        for (const [name, variable] of plain.parameters())
          expect(variable.dataSync()).toEqual(original.get(name)!.dataSync());
        opened.close();
      }),
      { numRuns: 25 },
    );
  });

  it('hold every value once, and hand it on from world to world to the bit', async () => {
    const most = fc.integer({ min: 1, max: 6 });
    await fc.assert(
      fc.asyncProperty(
        shapes,
        shapes,
        fc.array(most, { minLength: 3, maxLength: 3 }),
        async (outer, inner, chain) => {
          const named = (list: readonly (readonly number[])[]) =>
            Object.fromEntries(list.map((shape, i) => [`p${i}`, shape]));
          const bag = (seed: number) => new Bag(named(outer), seed, { part: named(inner) });
          let ranks = await shared(() => bag(1), chain[0]!);
          let paths = await saved(ranks);
          for (const worldSize of chain.slice(1)) {
            ranks = await shared(() => bag(5), worldSize);
            const opened = openShards(paths);
            for (const { sharded, states } of ranks) loadShards(sharded, opened.tensors, states);
            opened.close();
            paths = await saved(ranks);
          }
          const runs = paths.flatMap(runsIn);
          for (const [name, { shape, size }] of bag(1).parameters())
            for (const [prefix, sign] of [
              ['', 1],
              ['first.', -1],
            ] as const) {
              const own = runs
                .filter((run) => run.name === prefix + name)
                .sort((a, b) => a.offset - b.offset);
              // Put one after the other they are the parameter: where each ends the next begins.
              expect(own.flatMap(({ offset, values }) => values.map((_, i) => offset + i))).toEqual([
                ...Array(size).keys(),
              ]);
              const seed = name.startsWith('part.') ? `2.${name.slice(5)}` : `1.${name}`;
              expect(own.flatMap(({ values }) => values)).toEqual(
                [...numbers(size, seed)].map((value) => sign * value),
              );
              for (const run of own) expect(run.shape).toEqual(shape);
            }
          expect(new Set(runs.map(({ name }) => name)).size).toBe(2 * bag(1).parameters().size);
        },
      ),
      { numRuns: 20 },
    );
  });

  it.skipIf(!existsSync('/proc/self/io'))('are read where they are needed and nowhere else', async () => {
    const values = 1 << 17;
    const make = () => new Bag({ w: [values] }, 1);
    const paths = await saved(await shared(make, 2));
    const [, second] = await shared(make, 4);
    const read = () => Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))![1]);
    const opened = openShards(paths);
    const before = read();
    loadShards(second!.sharded, opened.tensors, second!.states);
    // A quarter of the weights and a quarter of the moments, and what reading the counter takes.
    expect(read() - before).toBeGreaterThanOrEqual((2 * 4 * values) / 4);
    expect(read() - before).toBeLessThan((2 * 4 * values) / 4 + 10_000);
    opened.close();
  });

  it('fill an offloaded optimiser where it is, and parameters that nobody shares', async () => {
    const paths = await saved(await shared(() => new Bag({ w: [3] }, 1), 2));
    const opened = openShards(paths);
    for (const cpuOffload of [false, true]) {
      const bag = new Bag({ w: [3] }, 7);
      const sharded = fullyShard(bag, { group: singleProcess(), units: [], cpuOffload });
      const optimizer = AdamW.create({ parameters: sharded.shards(), learningRate: 0.1 });
      loadShards(sharded, opened.tensors, statesOf(sharded, optimizer));
      await sharded.withWhole(async () => {
        expect(await bag.parameters().get('w')!.data()).toEqual(numbers(3, '1.w'));
      });
    }
    opened.close();
  });

  it('are of the adapter alone where an adapter is trained', async () => {
    const adapted = (seed: number) => {
      const model = new FeedForward({ size: 3, key: Key.of(seed) });
      const key = Key.of(seed).fold('adapter');
      const adapter = LoraAdapter.attach(model, { rank: 2, alpha: 4, targets: ['up', 'down'], key });
      return { model, trainable: adapter.parameters() };
    };
    const folder = temporary();
    const paths = await Promise.all(
      fakeShardingWorld(2).map(async (group) => {
        const { model, trainable } = adapted(1);
        const sharded = fullyShard(model, { group, units: [model.up], trainable });
        const path = join(folder, `${group.rank}.safetensors`);
        await saveShards(path, sharded, [{ vectors: sharded.shards() }]);
        return path;
      }),
    );
    const [original, other] = [adapted(1).trainable, adapted(2).trainable];
    const opened = openShards(paths);
    expect([...opened.tensors.keys()].sort()).toEqual([...original.keys()].sort());
    loadParameters(other, opened.tensors);
    for (const [name, variable] of other) expect(variable.dataSync()).toEqual(original.get(name)!.dataSync());
    opened.close();
  });

  it('refuse files that do not hold everything or do not fit, before anything is changed', async () => {
    const paths = await saved(await shared(() => new Bag({ w: [7] }, 1), 2));
    const [target] = await shared(() => new Bag({ w: [7] }, 4), 1);
    const load = (files: readonly string[], { sharded, states } = target!) => {
      const opened = openShards(files);
      try {
        loadShards(sharded, opened.tensors, states);
      } finally {
        opened.close();
      }
    };
    expect(() => load([paths[0]!])).toThrow(ShardFileError);
    expect(() => load([paths[0]!])).toThrow('w: value 4 is in none of the files');
    const [longer] = await shared(() => new Bag({ w: [8] }, 4), 1);
    expect(() => load(paths, longer)).toThrow(ParameterMismatchError);
    const others = await saved(await shared(() => new Bag({ w: [9] }, 1), 2));
    expect(() => load([paths[0]!, others[1]!])).toThrow('w has another shape than in the other files');
    expect(await target!.states[0]!.vectors.get('w')!.data()).toEqual(numbers(7, '4.w'));
    load(paths);
    expect(await target!.states[0]!.vectors.get('w')!.data()).toEqual(numbers(7, '1.w'));
  });

  it('leave no tensor behind', async () => {
    const [alone] = await shared(() => new Bag({ w: [3] }, 1), 1);
    const { sharded, states } = alone!;
    const before = memory().numTensors;
    const path = join(temporary(), 'w.safetensors');
    await saveShards(path, sharded, states);
    const opened = openShards([path]);
    loadShards(sharded, opened.tensors, states);
    opened.close();
    expect(memory().numTensors).toBe(before);
  });
});
