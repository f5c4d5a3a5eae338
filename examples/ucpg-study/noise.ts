import type { Key } from '@thinkrl/spec';
import type { Curve } from './chart.ts';
import { percent, table } from './markdown.ts';
import { drawGroup, type Population, withNoise } from './points.ts';
import { type Rule, rules } from './rules.ts';
import { cosine, mean } from './statistics.ts';

/** How an update made from noisy rewards relates to the rewards without noise. */
export interface Agreement {
  /** Pairs that all true rewards order: share that the advantages order alike, the other way round, and not at all. */
  readonly right: number;
  readonly wrong: number;
  readonly undecided: number;
  /** Share ordered the other way round among decided pairs of which both samples have an advantage. */
  readonly wrongUsed: number;
  /** Cosine with the advantages that the same rule gives without noise. */
  readonly steady: number;
  /** Cosine of the advantages with the true rewards of the dimension for which it is the smallest. */
  readonly worst: number;
  /** Share of samples with an advantage. */
  readonly used: number;
}

/** Compares advantages from noisy rewards with the true rewards they came from, one group. */
export function agreementOf(
  rule: Rule,
  truth: readonly (readonly number[])[],
  noisy: readonly (readonly number[])[],
): Agreement {
  const advantages = rule(noisy);
  const counts = { right: 0, wrong: 0, undecided: 0 };
  const used = { right: 0, wrong: 0, undecided: 0 };
  for (const [i, low] of truth.entries())
    for (const [j, high] of truth.entries()) {
      if (i === j || !low.every((value, k) => value <= high[k]!)) continue;
      const gap = advantages[j]! - advantages[i]!;
      const outcome = gap > 0 ? 'right' : gap < 0 ? 'wrong' : 'undecided';
      counts[outcome] += 1;
      if (advantages[i] !== 0 && advantages[j] !== 0) used[outcome] += 1;
    }
  const pairs = Math.max(1, counts.right + counts.wrong + counts.undecided);
  const columns = truth[0]!.map((_, k) => centred(truth.map((row) => row[k]!)));
  return {
    right: counts.right / pairs,
    wrong: counts.wrong / pairs,
    undecided: counts.undecided / pairs,
    wrongUsed: used.wrong / Math.max(1, used.right + used.wrong),
    steady: cosine(advantages, rule(truth)),
    worst: Math.min(...columns.map((column) => cosine(advantages, column))),
    used: advantages.filter((advantage) => advantage !== 0).length / advantages.length,
  };
}

function centred(values: readonly number[]): readonly number[] {
  const centre = mean(values);
  return values.map((value) => value - centre);
}

interface Setting {
  readonly population: Population;
  readonly sigma: number;
  readonly groups: number;
  readonly key: Key;
}

/** Mean {@link Agreement} of every rule over the same random groups. */
function measure({ population, sigma, groups, key }: Setting): Readonly<Record<string, Agreement>> {
  const drawn = key.split(groups).map((own) => {
    const stream = own.stream();
    const truth = drawGroup(population, stream);
    return { truth, noisy: withNoise(truth, sigma, stream) };
  });
  return Object.fromEntries(
    Object.entries(rules).map(([name, rule]) => {
      const all = drawn.map(({ truth, noisy }) => agreementOf(rule, truth, noisy));
      const of = (field: keyof Agreement) => mean(all.map((agreement) => agreement[field]));
      return [
        name,
        {
          right: of('right'),
          wrong: of('wrong'),
          undecided: of('undecided'),
          wrongUsed: of('wrongUsed'),
          steady: of('steady'),
          worst: of('worst'),
          used: of('used'),
        },
      ];
    }),
  );
}

/** What the study says of noisy rewards. */
export interface NoiseStudy {
  readonly wrong: readonly Curve[];
  readonly worst: readonly Curve[];
  readonly details: string;
  readonly sizes: string;
}

const noises = [0, 0.25, 0.5, 1, 2];
const population = { samples: 16, dimensions: 3, correlation: 0.3 };

/** Measures {@link Agreement} over noise, group size and dimensions. `effort` scales the number of groups. */
export function studyNoise(key: Key, effort: number): NoiseStudy {
  const groups = Math.max(4, Math.round(400 * effort));
  const byNoise = noises.map((sigma) => measure({ population, sigma, groups, key: key.fold(`${sigma}`) }));
  const names = Object.keys(rules);
  const curves = (of: (agreement: Agreement) => number) =>
    names.map((name) => ({
      name,
      points: noises.map((sigma, at) => [sigma, of(byNoise[at]![name]!)] as const),
    }));
  const [none, half] = [byNoise[0]!, byNoise[2]!];
  return {
    wrong: curves(({ right, wrong }) => wrong / Math.max(1e-9, right + wrong)),
    worst: curves(({ worst }) => worst),
    details: table(
      [
        'rule',
        'right',
        'wrong',
        'undecided',
        'wrong of decided',
        'of those, both used',
        'steady',
        'worst dimension, no noise',
        'worst dimension',
        'used',
      ],
      names.map((name) => {
        const { right, wrong, undecided, wrongUsed, steady, worst, used } = half[name]!;
        const share = (wrong / (right + wrong)) * 100;
        return [
          name,
          percent(right),
          percent(wrong),
          percent(undecided),
          share.toFixed(1),
          (100 * wrongUsed).toFixed(1),
          steady.toFixed(2),
          none[name]!.worst.toFixed(2),
          worst.toFixed(2),
          percent(used),
        ];
      }),
    ),
    sizes: sizesTable(key, groups),
  };
}

/** Share of wrongly ordered among decided pairs, and of undecided ones, over group size and dimensions. */
function sizesTable(key: Key, groups: number): string {
  const shapes = [
    [8, 2],
    [8, 3],
    [8, 6],
    [16, 3],
    [64, 3],
  ] as const;
  const measured = shapes.map(([samples, dimensions]) =>
    measure({
      population: { samples, dimensions, correlation: 0.3 },
      sigma: 0.5,
      groups: Math.max(4, Math.round((groups * 16) / samples)),
      key: key.fold(samples).fold(dimensions),
    }),
  );
  return table(
    ['rule', ...shapes.map(([samples, dimensions]) => `N = ${samples}, K = ${dimensions}`)],
    Object.keys(rules).map((name) => [
      name,
      ...measured.map((found) => {
        const { right, wrong, undecided } = found[name]!;
        return `${((100 * wrong) / (right + wrong)).toFixed(1)} / ${percent(undecided)}`;
      }),
    ]),
  );
}
