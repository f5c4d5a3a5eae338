import { ConfigError, Key } from '@thinkrl/spec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SamplingOptions } from '../src/policy.ts';
import { checkSampling, type DrawOptions, sampleToken } from '../src/token-sampling.ts';

/** Logits of probabilities 0.5, 0.3, 0.15, 0.05 in the order 2, 0, 3, 1. */
const PROBABILITIES = [0.3, 0.05, 0.5, 0.15];
const LOGITS = Float32Array.from(PROBABILITIES, (p) => Math.log(p) + 3);

function counts(options: DrawOptions, draws = 20_000): number[] {
  const stream = Key.of(5).stream();
  const found = [0, 0, 0, 0];
  for (let i = 0; i < draws; i++) found[sampleToken(LOGITS, options, stream).token]! += 1 / draws;
  return found;
}

describe('sampleToken', () => {
  it('is greedy at temperature 0, with ties to the lower id, and takes no random number', () => {
    const stream = Key.of(1).stream();
    const drawn = sampleToken(LOGITS, { temperature: 0 }, stream);
    expect(drawn.token).toBe(2);
    expect(drawn.logProb).toBeCloseTo(Math.log(0.5), 5);
    expect(sampleToken(Float32Array.of(1, 1), { temperature: 0 }, stream).token).toBe(0);
    expect(stream.uniform()).toBe(Key.of(1).stream().uniform());
  });

  it('draws in proportion to the probabilities', () => {
    counts({ temperature: 1 }).forEach((share, id) => {
      expect(Math.abs(share - PROBABILITIES[id]!)).toBeLessThan(0.015);
    });
  });

  it('at temperature 0.5 squares the odds: 0.09, 0.0025, 0.25, 0.0225 of 0.365', () => {
    counts({ temperature: 0.5 }).forEach((share, id) => {
      expect(Math.abs(share - PROBABILITIES[id]! ** 2 / 0.365)).toBeLessThan(0.015);
    });
    const drawn = sampleToken(LOGITS, { temperature: 0.5, topK: 1 }, Key.of(1).stream());
    expect(drawn.logProb).toBeCloseTo(Math.log(0.25 / 0.365), 5);
  });

  it.each([
    [{ topK: 2 }, [0.375, 0, 0.625, 0]],
    [{ topP: 0.79 }, [0.375, 0, 0.625, 0]],
    [{ topP: 0.5 }, [0, 0, 1, 0]],
    [{ topP: 0.81 }, [0.3 / 0.95, 0, 0.5 / 0.95, 0.15 / 0.95]],
    [{ minP: 0.29 }, [0.3 / 0.95, 0, 0.5 / 0.95, 0.15 / 0.95]],
    [{ minP: 0.31 }, [0.375, 0, 0.625, 0]],
    [{ topK: 3, topP: 0.8 }, [0.375, 0, 0.625, 0]],
  ])('cuts the tail by %j', (cut, expected) => {
    counts({ temperature: 1, ...cut }).forEach((share, id) => {
      expect(Math.abs(share - expected[id]!)).toBeLessThan(0.015);
    });
  });

  it('draws only what is allowed, in proportion, and cuts the tail of that', () => {
    // Of 0.3, 0.05 and 0.15 (ids 0, 1, 3): shares 0.6, 0.1, 0.3; 0.05 is a sixth of the likeliest.
    const allowed = [3, 1, 0];
    const shares = (options: Partial<SamplingOptions>) => counts({ temperature: 1, allowed, ...options });
    for (const [options, expected] of [
      [{}, [0.6, 0.1, 0, 0.3]],
      [{ minP: 0.2 }, [2 / 3, 0, 0, 1 / 3]],
      [{ topK: 1 }, [1, 0, 0, 0]],
    ] as const)
      shares(options).forEach((share, id) => {
        expect(Math.abs(share - expected[id]!)).toBeLessThan(0.015);
      });
    const greedy = sampleToken(LOGITS, { temperature: 0, allowed }, Key.of(1).stream());
    expect(greedy.token).toBe(0);
    expect(greedy.logProb).toBeCloseTo(Math.log(0.3), 5);
  });

  it('draws an allowed token however unlikely, and refuses when nothing is allowed', () => {
    const logits = Float32Array.of(2000, 0, -2000);
    const { token, logProb } = sampleToken(logits, { temperature: 1, allowed: [2] }, Key.of(1).stream());
    expect(token).toBe(2);
    expect(logProb).toBe(-4000);
    expect(() => sampleToken(logits, { temperature: 1, allowed: [] }, Key.of(1).stream())).toThrow(
      ConfigError,
    );
  });

  it.each<[number[], string]>([
    [[0, Number.NaN, 1], 'logits[1]'],
    [[Number.NaN, 0], 'logits[0]'],
    [[0, Number.POSITIVE_INFINITY], 'logits[1]'],
    [[Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY], 'logits'],
    [[], 'logits'],
  ])('refuses logits %j, naming the place', (logits, field) => {
    const draw = () => sampleToken(Float32Array.from(logits), { temperature: 1 }, Key.of(1).stream());
    expect(draw).toThrow(expect.objectContaining({ code: 'COT_NOT_FINITE', field }));
  });

  it('never draws a token that is ruled out by -Infinity', () => {
    const logits = Float32Array.of(Number.NEGATIVE_INFINITY, 0);
    expect(sampleToken(logits, { temperature: 1 }, Key.of(1).stream())).toEqual({ token: 1, logProb: 0 });
  });

  it('records the log-probability without the cut', () => {
    const { logProb } = sampleToken(LOGITS, { temperature: 1, topK: 1 }, Key.of(1).stream());
    expect(logProb).toBeCloseTo(Math.log(0.5), 5);
  });

  it('takes exactly one number and gives a possible token for any logits', () => {
    const options = fc.record(
      {
        temperature: fc.constantFrom(0.3, 1, 2),
        topK: fc.integer({ min: 1, max: 9 }),
        topP: fc.double({ min: 0.01, max: 1, noNaN: true }),
        minP: fc.double({ min: 0, max: 1, noNaN: true }),
      },
      { requiredKeys: ['temperature'] },
    );
    const logits = fc.array(fc.float({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(logits, options, fc.nat(), (row, sampling, seed) => {
        const [used, fresh] = [Key.of(seed).stream(), Key.of(seed).stream()];
        const { token, logProb } = sampleToken(Float32Array.from(row), sampling as SamplingOptions, used);
        fresh.uniform();
        expect(token).toBeGreaterThanOrEqual(0);
        expect(token).toBeLessThan(row.length);
        expect(logProb).toBeLessThanOrEqual(1e-6);
        expect(used.uniform()).toBe(fresh.uniform());
      }),
    );
  });
});

/** What {@link sampleToken} says it does, by sorting the whole vocabulary. */
function sortedDraw(logits: Float32Array, options: DrawOptions, uniform: number): number {
  const { temperature, allowed = [...logits.keys()], topK = logits.length, topP = 1, minP = 0 } = options;
  const largest = Math.max(...allowed.map((id) => logits[id]!));
  const odds = new Map(allowed.map((id) => [id, Math.exp((logits[id]! - largest) / temperature)]));
  const likeliest = [...odds.keys()].sort((a, b) => odds.get(b)! - odds.get(a)! || a - b).slice(0, topK);
  const sum = (ids: readonly number[]) => ids.reduce((total, id) => total + odds.get(id)!, 0);
  const wanted = topP * sum(likeliest);
  let held = 0;
  const kept = likeliest.filter((id) => {
    const enough = topP < 1 && held >= wanted;
    held += odds.get(id)!;
    return !enough && odds.get(id)! >= minP;
  });
  kept.sort((a, b) => a - b);
  let rest = uniform * sum(kept);
  const drawn = kept.find((id) => {
    rest -= odds.get(id)!;
    return rest < 0;
  });
  return drawn ?? likeliest[0]!;
}

it.each([
  ['few', 1, 500],
  ['many', 60, 100],
])('draws of %s tokens what sorting them draws, with ties and unlikely ones', (_, copies, numRuns) => {
  const logit = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.float({ min: -30, max: 30, noNaN: true }),
    fc.constantFrom(-900, Number.NEGATIVE_INFINITY),
  );
  const cuts = fc.record(
    {
      topK: fc.integer({ min: 1, max: 50 * copies }),
      topP: fc.oneof(fc.constantFrom(0.25, 0.5, 0.75), fc.double({ min: 0.001, max: 1, noNaN: true })),
      minP: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })),
    },
    { requiredKeys: [] },
  );
  const draws = fc.record({ cuts, temperature: fc.constantFrom(0.5, 1, 3), every: fc.constantFrom(1, 2, 3) });
  const row = fc.array(logit, { minLength: 40, maxLength: 60 });
  fc.assert(
    fc.property(row, draws, fc.nat(), (some, { cuts, temperature, every }, seed) => {
      const logits = Float32Array.from({ length: copies * some.length + 1 }, (_, i) =>
        i === 0 ? 0.5 : some[i % some.length]! + Math.floor(i / some.length / 2) * 1e-3,
      );
      const allowed = every === 1 ? undefined : [...logits.keys()].filter((id) => id % every === 0).reverse();
      const options = { temperature, ...cuts, allowed };
      const { token } = sampleToken(logits, options, Key.of(seed).stream());
      expect(token).toBe(sortedDraw(logits, options, Key.of(seed).stream().uniform()));
    }),
    { numRuns },
  );
});

describe('checkSampling', () => {
  it.each([
    { temperature: -1 },
    { temperature: Number.NaN },
    { temperature: 1, topK: 0 },
    { temperature: 1, topP: 0 },
    { temperature: 1, minP: 2 },
    { temperature: 1, mostTokens: 0 },
    { temperature: 1, mostTokens: 1.5 },
    { temperature: 1, stopAfter: ['.', ''] },
  ])('refuses %j', (options) => {
    expect(() => checkSampling(options)).toThrow(ConfigError);
  });
  it('accepts every option in range', () => {
    checkSampling({ temperature: 0.7, topK: 5, topP: 0.9, minP: 0.05, mostTokens: 9, stopAfter: ['.'] });
  });
});
