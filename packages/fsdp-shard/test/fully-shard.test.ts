import { useEngine } from '@thinkrl/engine';
import { beforeAll, describe, expect, it } from 'vitest';
import { differences, runSharded } from './ranks/launch.ts';
import { runPlain } from './ranks/plain-run.ts';
import type { Outcome, Plan } from './ranks/plan.ts';

const plan: Plan = { steps: 20 };

/** How a run differs from `plan`. */
const variants = {
  plain: {},
  again: {},
  checkpointed: { checkpoint: true },
  'without freeing between the passes': { reshardAfterForward: false },
  'accumulating two parts': { parts: 2, rows: 8 },
  'with most parameters frozen': { trainable: 'blocks.*(output|qkv)' },
  'with an adapter': { lora: true, trainable: 'lora_', checkpoint: true },
  'with the optimiser offloaded': { offload: true },
  'shared out alone': { shareAlone: true, checkpoint: true },
} satisfies Record<string, Partial<Plan>>;

type Variant = keyof typeof variants;

/** What is run over so many processes. */
const worlds: readonly (readonly [number, readonly Variant[]])[] = [
  [
    1,
    [
      ...(['plain', 'checkpointed', 'accumulating two parts', 'with most parameters frozen'] as const),
      ...(['with an adapter', 'with the optimiser offloaded', 'shared out alone'] as const),
    ],
  ],
  [2, (Object.keys(variants) as Variant[]).filter((name) => name !== 'shared out alone')],
  [4, ['plain', 'checkpointed', 'accumulating two parts', 'with an adapter']],
];

/** Scalars that are reduced in a step beside the gradients. */
const SCALARS = 64;

beforeAll(async () => {
  await useEngine({ engine: 'torch', threads: 1 });
});

describe.each(worlds)('the micro editor over %i processes', (worldSize, names) => {
  let ranks: readonly (readonly Outcome[])[];
  beforeAll(async () => {
    ranks = await runSharded(
      names.map((name) => ({ ...plan, ...variants[name] })),
      worldSize,
    );
  }, 240_000);
  const first = (name: Variant) => ranks[0]![names.indexOf(name)]!;

  it.each(names)(
    '%s: losses, norms and parameters are those of one process',
    async (name) => {
      const outcome = first(name);
      const alone = await runPlain({ ...plan, ...variants[name] }, worldSize);
      const gaps = differences(outcome, alone);
      expect(gaps.losses).toBeLessThan(1e-6);
      expect(gaps.norms).toBeLessThan(1e-6);
      expect(gaps.parameters).toBeLessThan(1e-6);
      expect(outcome.leaked).toBe(0);
      for (const rank of ranks) expect(differences(outcome, rank[names.indexOf(name)]!).parameters).toBe(0);
    },
    60_000,
  );

  it('receives two gathers of the parameters and one of the gradients a step, and no more', () => {
    const { received, parameterBytes } = first('plain');
    const theory = (3 * parameterBytes * (worldSize - 1)) / worldSize;
    for (const bytes of received) expect(Math.abs(bytes - theory)).toBeLessThanOrEqual(0.05 * theory);
  });

  it('holds its part of parameters, gradients and optimiser state, and a unit', () => {
    const { restBytes, gradientBytes, parameterBytes, largestUnitBytes } = first('plain');
    expect(restBytes + gradientBytes).toBeLessThan((1.1 * 4 * parameterBytes) / worldSize + largestUnitBytes);
  });

  if (names.includes('again'))
    it('two runs are equal to the bit', () => {
      expect(first('again').losses).toEqual(first('plain').losses);
      expect(first('again').parameters).toEqual(first('plain').parameters);
    });

  if (names.includes('without freeing between the passes'))
    it('spares a gather where nothing is freed', () => {
      const { received, parameterBytes } = first('without freeing between the passes');
      for (const bytes of received) expect(Math.abs(bytes - parameterBytes)).toBeLessThan(SCALARS);
    });

  if (worldSize > 1 && names.includes('with most parameters frozen'))
    it('sends gradients of what is trained alone', () => {
      const { received, gradientBytes, parameterBytes } = first('with most parameters frozen');
      expect(gradientBytes).toBeLessThan(parameterBytes / 10);
      for (const bytes of received)
        expect(Math.abs(bytes - parameterBytes - gradientBytes)).toBeLessThan(SCALARS);
    });
});

describe('two nodes of two processes', () => {
  it('keep parts within a node, add gradients up across, and learn what one process does', async () => {
    const plans: readonly Plan[] = [
      { ...plan, perNode: 2 },
      { ...plan, perNode: 2, ...variants['with an adapter'] },
      { ...plan, perNode: 1, ...variants['with an adapter'] },
      plan,
    ];
    const ranks = await runSharded(plans, 4);
    for (const [index, each] of plans.slice(0, 3).entries()) {
      const alone = await runPlain({ ...each, perNode: each.perNode! }, 4);
      for (const rank of ranks) {
        const gaps = differences(rank[index]!, alone);
        expect(Math.max(gaps.losses, gaps.norms, gaps.parameters)).toBeLessThan(1e-6);
      }
    }
    const [within, , alike, over] = ranks[0]!;
    const { parameterBytes: bytes, largestUnitBytes: unit } = within!;
    // Two gathers and a reduce-scatter of everything within two; an all-reduce of a half across two, there and back.
    const theory = (3 * bytes) / 2 + bytes / 2;
    for (const received of within!.received)
      expect(Math.abs(received - theory)).toBeLessThanOrEqual(0.05 * theory);
    // Everything in each process: one all-reduce of all gradients over four.
    for (const received of alike!.received)
      expect(Math.abs(received - (2 * alike!.gradientBytes * 3) / 4)).toBeLessThan(SCALARS);
    // Parameters, gradients and two moments, twice as much as shared over all four.
    expect(within!.restBytes + within!.gradientBytes).toBeLessThan((1.1 * 4 * bytes) / 2 + unit);
    expect(within!.gradientBytes / over!.gradientBytes).toBeCloseTo(2, 1);
  }, 240_000);
});

describe('halves', () => {
  it('halve what parameters cost on the way and change the loss by little', async () => {
    const half = (await runSharded([{ ...plan, storage: 'bfloat16' }], 2))[0]![0]!;
    const whole = await runPlain(plan, 2);
    // Parameters begin at 64 bytes, which is twice as many values of half the size.
    for (const bytes of half.received) expect(Math.abs(bytes / half.parameterBytes - 1)).toBeLessThan(0.05);
    half.losses.forEach((loss, step) => {
      expect(Math.abs(loss - whole.losses[step]!)).toBeLessThan(0.01);
    });
    expect(differences(half, whole).parameters).toBeGreaterThan(0);
  }, 60_000);
});
