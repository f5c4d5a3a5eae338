import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { gradients } from '@thinkrl/nn';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { inStep } from '../src/index.ts';
import { runRanks } from './ranks/launch.ts';
import { type Case, lossOf, Stack, type Way, type Wayward } from './ranks/stack.ts';

beforeAll(async () => {
  await useEngine({ engine: 'torch', threads: 1 });
});

/** Mostly forward through all layers, as models go, now and then in some order of its own. */
const way: fc.Arbitrary<Way> = fc.record({
  kind: fc.constantFrom('look', 'look', 'look', 'learn', 'learn', 'hold', 'wait'),
  stack: fc.constantFrom(0, 0, 0, 1),
  layers: fc.oneof(
    { weight: 3, arbitrary: fc.constant([0, 1, 2, 3]) },
    { weight: 1, arbitrary: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 7 }) },
  ),
});

/** What ranks do, of which some stop early by an error. */
const casesOf = (worldSize: number): readonly Case[] => {
  const ways = fc
    .tuple(fc.array(way, { maxLength: 12 }), fc.constantFrom(false, false, false, true))
    .map(([list, fails]): readonly Way[] =>
      fails ? [...list, { kind: 'fail', stack: 0, layers: [0] }] : list,
    );
  const each = fc.record({
    ahead: fc.constantFrom(0, 1, 3, 8, 8),
    ways: fc.array(ways, { minLength: worldSize, maxLength: worldSize }),
  });
  return fc.sample(each, { seed: 11 * worldSize, numRuns: 40 });
};

/** Passes that are the same on every rank. */
const PASSES = 12;
const EVEN: Way = { kind: 'look', stack: 0, layers: [0, 1, 2, 3] };

function seenBy(stacks: readonly Stack[], ways: readonly Way[]): readonly number[] {
  return ways.flatMap(({ kind, stack, layers }) => {
    if (kind === 'fail') return [];
    if (kind === 'wait') return [0];
    return [tf.tidy(() => lossOf(stacks[stack]!, layers)).dataSync()[0]!];
  });
}

/** The mean over ranks of the gradients of what they learnt from, by layer. */
function slopesOf(stacks: readonly Stack[], { ways }: Case): readonly (readonly number[])[] {
  return stacks.flatMap((stack, index) => {
    const parameters = stack.parameters();
    const sums = new Map([...parameters].map(([name, { size }]) => [name, Array<number>(size).fill(0)]));
    for (const { kind, stack: place, layers } of ways.flat())
      if (kind === 'learn' && place === index)
        for (const [name, slope] of gradients(() => ({ loss: lossOf(stack, layers) }), parameters).gradients)
          slope.dataSync().forEach((value, i) => {
            sums.get(name)![i]! += value / ways.length;
          });
    return [...sums.values()];
  });
}

it('sends for a whole number of units ahead', async () => {
  const work = () => Promise.resolve('done');
  await expect(inStep([], work, { ahead: 1.5 })).rejects.toThrow('ahead is 1.5: use a whole number');
  expect(await inStep([], work, { ahead: 0 })).toBe('done');
});

describe.each([2, 3])('%i ranks that go ways of their own', (worldSize) => {
  const cases = casesOf(worldSize);
  const even: Case = { ahead: 8, ways: Array(worldSize).fill(Array(PASSES).fill(EVEN)) };
  let ranks: readonly (readonly (Wayward & { readonly leaked: number })[])[];
  beforeAll(async () => {
    ranks = await runRanks('wayward-rank.ts', [...cases, even], worldSize);
  }, 120_000);

  it('all come to an end, see what one process sees, and keep nothing', () => {
    const stacks = [new Stack(1), new Stack(2)];
    for (const [index, each] of cases.entries()) {
      const slopes = slopesOf(stacks, each);
      for (const [rank, outcomes] of ranks.entries()) {
        const found = outcomes[index]!;
        expect(found.seen).toEqual(seenBy(stacks, each.ways[rank]!));
        expect(found.failure).toBe(
          each.ways[rank]!.some(({ kind }) => kind === 'fail') ? 'no more room' : null,
        );
        expect([found.leaked, found.here]).toEqual([0, 0]);
        found.slopes.forEach((values, unit) => {
          values.forEach((value, i) => {
            expect(Math.abs(value - (slopes[unit]![i] ?? 0))).toBeLessThan(1e-6);
          });
        });
      }
      // Whoever took part in more or fewer would have waited for ever; this says so of what came out even by chance.
      expect(new Set(ranks.map((outcomes) => outcomes[index]!.collectives)).size).toBe(1);
    }
  });

  it('ask seldom where they go the same way again and again', () => {
    const { collectives } = ranks[0]!.at(-1)!;
    const gathered = PASSES * 4;
    expect(collectives).toBeGreaterThan(gathered);
    expect(collectives - gathered).toBeLessThan(gathered / 2);
  });
});
