import { tensor, type Variable, zeros } from '@tensorflow/tfjs-core';
import { engineMemory, resetEnginePeak, useEngine } from '@thinkrl/engine';
import { Linear, LoraAdapter, leavePending, Module, ParameterMismatchError } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import { beforeAll, expect, it } from 'vitest';
import { fullyShard, fullyShardInTurns } from '../src/index.ts';
import { fakeShardingWorld } from '../src/testing/index.ts';

const SIZE = 256;
const LAYERS = 16;

/** Layers as large as each other, and a vector of its own. */
class Stack extends Module {
  readonly layers: readonly Linear[];

  constructor(start: 'unset' | 'uniform') {
    super();
    this.layers = Array.from({ length: LAYERS }, (_, i) => {
      const sizes = { inputs: SIZE, outputs: SIZE, key: Key.of(2).fold(i) };
      return this.child(`layers.${i}`, new Linear({ ...sizes, start }));
    });
    this.parameter('scale', start === 'unset' ? zeros([SIZE]) : tensor(new Float32Array(SIZE).fill(2)));
  }
}

beforeAll(async () => {
  await useEngine({ engine: 'torch', threads: 1 });
});

type Fill = (parameters: ReadonlyMap<string, Variable>) => void;

/** How a stack with an adapter on it is shared out to the second of four ranks. */
function optionsOf(stack: Stack, fill?: Fill) {
  const adapter = LoraAdapter.attach(stack, {
    rank: 2,
    alpha: 2,
    targets: stack.layers.map((_, i) => `layers.${i}`),
    key: Key.of(4),
  });
  return {
    ...{ group: fakeShardingWorld(4)[1]!, units: stack.layers, trainable: adapter.parameters() },
    ...(fill && { fill }),
  };
}

const shareOut = (stack: Stack, fill?: Fill) => fullyShard(stack, optionsOf(stack, fill));

const shardsOf = ({ units }: ReturnType<typeof fullyShard>) =>
  units.flatMap(({ parameters }) =>
    parameters.flatMap(({ kept }) => kept.map(({ values }) => [...values.dataSync()])),
  );

it('gives each unit its weights when it is cut up, so that one is whole at a time', () => {
  const loaded = new Stack('uniform');
  const tensors = new Map(
    [...loaded.parameters()].map(([name, value]) => [
      name,
      { shape: value.shape, data: value.dataSync() as Float32Array },
    ]),
  );
  const expected = shareOut(loaded);
  const empty = new Stack('unset');
  let closed = false;
  const pending = leavePending(empty.parameters(), { tensors, close: () => (closed = true) });
  const asked: string[][] = [];
  const { allocatedBytes: before } = engineMemory();
  resetEnginePeak();
  const found = shareOut(empty, (parameters) => {
    asked.push([...parameters.keys()]);
    pending.fill(parameters);
  });
  const { allocatedBytes: after, peakBytes } = engineMemory();
  pending.close();
  expect(closed).toBe(true);
  expect(asked).toEqual([
    ...loaded.layers.map((_, i) => [`layers.${i}.weight`, `layers.${i}.bias`]),
    ['scale'],
  ]);
  expect(shardsOf(found)).toEqual(shardsOf(expected));
  const whole = 4 * LAYERS * SIZE * (SIZE + 1);
  expect(after - before).toBeLessThan(0.35 * whole);
  // A layer, and copies of it while it is laid out.
  expect(peakBytes - after).toBeLessThan((5 * whole) / LAYERS);
});

it('comes to the same in turns, and ends between two of them', async () => {
  const expected = shardsOf(shareOut(new Stack('uniform')));
  const stack = new Stack('uniform');
  let turns = 0;
  const found = await fullyShardInTurns(stack, optionsOf(stack), async () => {
    turns += 1;
  });
  expect(turns).toBe(LAYERS + 1);
  expect(shardsOf(found)).toEqual(expected);

  const broken = new Stack('uniform');
  const filled: string[] = [];
  const options = optionsOf(broken, (parameters) => filled.push(...parameters.keys()));
  const between = async () => {
    if (filled.length === 6) throw new Error('enough');
  };
  await expect(fullyShardInTurns(broken, options, between)).rejects.toThrow('enough');
  expect(filled).toEqual([0, 1, 2].flatMap((i) => [`layers.${i}.weight`, `layers.${i}.bias`]));
});

it('refuses what is not there before anything is cut up', () => {
  const stack = new Stack('unset');
  const close = () => {};
  expect(() => leavePending(stack.parameters(), { tensors: new Map(), close })).toThrow(
    ParameterMismatchError,
  );
});
