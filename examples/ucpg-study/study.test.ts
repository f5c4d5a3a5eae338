import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Key } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import { chainConstantBounds, correlationFactor, meanChainLength } from './chain-length.ts';
import { lineChart } from './chart.ts';
import { agreementOf } from './noise.ts';
import { drawGroup } from './points.ts';
import { rules } from './rules.ts';
import { judges, train } from './shortcut.ts';

const here = dirname(fileURLToPath(import.meta.url));

describe('chains of random points', () => {
  it('have the length of the longest increasing subsequence in two dimensions', () => {
    // Baik, Deift and Johansson: mean 2 sqrt(n) - 1.7711 n^(1/6), here 64 - 5.62 = 58.4.
    const population = { samples: 1024, dimensions: 2, correlation: 0 };
    const length = meanChainLength(population, { groups: 20, key: Key.of(1) });
    expect(Math.abs(length - 58.4)).toBeLessThan(1.5);
  });

  it('have known constants and a factor for correlation (hand-worked)', () => {
    expect(chainConstantBounds(2)).toEqual([2, 2]);
    // 9 / (6^(1/3) Gamma(1/3)) = 9 / (1.817121 * 2.678938) = 1.848826.
    expect(chainConstantBounds(3)[0]).toBeCloseTo(1.848826, 5);
    expect(correlationFactor({ dimensions: 3, correlation: 0 })).toBe(1);
    // K = 2, correlation 0.6: (1.6 / 0.4)^(1/4) = sqrt 2.
    expect(correlationFactor({ dimensions: 2, correlation: 0.6 })).toBeCloseTo(Math.SQRT2, 12);
  });
});

it('draws rewards with the correlation asked for', () => {
  const rows = drawGroup({ samples: 20_000, dimensions: 2, correlation: 0.5 }, Key.of(2).stream());
  const mean = rows.reduce((sum, row) => sum + row[0]! * row[1]!, 0) / rows.length;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.04); // standard error sqrt(1.25 / 20000) = 0.008
});

it('counts pairs that an update orders rightly, wrongly and not at all (hand-worked)', () => {
  const truth = [
    [0, 0],
    [1, 1],
    [2, 2],
  ];
  // Pairs 0 < 1, 0 < 2, 1 < 2; the advantages order 0 < 2 rightly, 0 < 1 wrongly, and 1 < 2 rightly.
  const found = agreementOf(() => [0, -1, 1], truth, truth);
  expect(found).toMatchObject({ right: 2 / 3, wrong: 1 / 3, undecided: 0, wrongUsed: 0, used: 2 / 3 });
});

it('learns nothing from a rule without advantages, and the right answers from one that knows them', () => {
  const judge = judges.find(({ name }) => name === 'M')!;
  const still = train({ judge, rule: (rewards) => rewards.map(() => 0), key: Key.of(3), idle: 0.1 });
  const share = still.reduce((sum, { idle }) => sum + idle, 0) / still.length;
  expect(Math.abs(share - 0.1)).toBeLessThan(0.02); // standard error sqrt(0.09 / 6400) = 0.004
  const learnt = train({ judge, rule: rules.sum!, key: Key.of(3), idle: 0.1 });
  expect(learnt.at(-1)!.right).toBeGreaterThan(0.8);
});

it('draws a curve through its points', () => {
  const points = [
    [0, 0],
    [1, 1],
    [2, 0],
  ] as const;
  const svg = lineChart({ title: 'a < b', xLabel: 'x', yLabel: 'y', curves: [{ name: 'c', points }] });
  // The frame leaves 62 to 480 across and 334 to 36 up.
  expect(svg).toContain('points="62.0,334.0 271.0,36.0 480.0,334.0"');
  expect(svg).toContain('a &lt; b');
});

it('writes the results and every picture that they show', () => {
  const out = mkdtempSync(join(tmpdir(), 'ucpg-study-'));
  try {
    const script = ['--import', 'tsx', '--conditions=@thinkrl/source', 'study.ts', '--effort', '0.01'];
    execFileSync(process.execPath, [...script, '--out', out], { cwd: here });
    const results = readFileSync(join(out, 'results.md'), 'utf8');
    const pictures = [...results.matchAll(/\]\((.*\.svg)\)/g)].map(([, name]) => name!);
    expect(pictures.length).toBeGreaterThan(5);
    expect(readdirSync(out).sort()).toEqual([...pictures, 'results.md'].sort());
    expect(results).not.toContain('NaN');
  } finally {
    rmSync(out, { recursive: true });
  }
});
