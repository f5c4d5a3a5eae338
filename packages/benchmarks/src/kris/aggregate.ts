import { meanOf } from '../mean.ts';
import type { BenchmarkSample } from '../sample.ts';
import type { KrisRecord } from './score.ts';
import {
  KRIS_CATEGORIES,
  KRIS_COLUMNS,
  KRIS_KNOWLEDGE,
  type KrisColumn,
  krisCategory,
  krisMetrics,
} from './taxonomy.ts';

/** What published KRIS numbers differ by. */
export interface KrisSwitches {
  /**
   * `sample`: averages are means over samples of the mean of their metrics, as in the paper. `value`: means over all
   * metric values pooled, as in BAGEL's summary, so that a sample with a knowledge score weighs 4 and others 3.
   */
  readonly weighting: 'sample' | 'value';
  /** `skip`: a score that is missing is left out. `raw1`: it counts as 1 of 5, and so does a missing picture. */
  readonly missing: 'skip' | 'raw1';
  /** `all`: every record counts. `complete`: only those without a missing score, as in BAGEL's pipeline. */
  readonly records: 'all' | 'complete';
}

/** The switches of the paper, as far as its numbers show them. */
export const KRIS_SWITCHES: KrisSwitches = { weighting: 'sample', missing: 'skip', records: 'all' };

/** Scores of a group of samples, 0 to 100. */
export interface KrisGroup {
  /** Mean of each metric; one without a value is left out. */
  readonly metrics: Readonly<Partial<Record<KrisColumn, number>>>;
  readonly average: number;
  /** Samples with a value. */
  readonly samples: number;
}

/** Groups that have a value, by name. */
export type KrisGroups = Readonly<Record<string, KrisGroup>>;

/** All aggregates of a run over KRIS-Bench. */
export interface KrisAggregate {
  readonly categories: KrisGroups;
  readonly dimensions: KrisGroups;
  readonly knowledge: KrisGroups;
  /** Null where nothing has a score. */
  readonly overall: KrisGroup | null;
}

/**
 * Aggregates scores, each `s` of 1 to 5 as `25 (s - 1)`.
 *
 * @param expected Every sample of the benchmark, so that missing ones can count.
 * @example
 * aggregateKris(samples, records, { ...KRIS_SWITCHES, weighting: 'value' }).overall?.average;
 */
export function aggregateKris(
  expected: readonly BenchmarkSample[],
  records: readonly KrisRecord[],
  switches: KrisSwitches,
): KrisAggregate {
  const byKey = new Map(records.map((record) => [record.sample.key, record]));
  const valued = expected.map((sample) => ({
    category: krisCategory(sample.category)!,
    values: valuesOf(sample, byKey.get(sample.key), switches),
  }));
  const group = (belongs: (category: (typeof valued)[number]['category']) => boolean) => {
    const values = valued.filter(({ category }) => belongs(category)).map((entry) => entry.values);
    return groupOf(values, switches);
  };
  const groups = (names: readonly string[], member: 'name' | 'dimension' | 'knowledge') =>
    Object.fromEntries(
      names.flatMap((name) => {
        const made = group((category) => category[member] === name);
        return made === null ? [] : [[name, made]];
      }),
    );
  return {
    categories: groups(
      KRIS_CATEGORIES.map(({ name }) => name),
      'name',
    ),
    dimensions: groups(Object.values(KRIS_KNOWLEDGE).flat(), 'dimension'),
    knowledge: groups(Object.keys(KRIS_KNOWLEDGE), 'knowledge'),
    overall: group(() => true),
  };
}

type Values = ReadonlyMap<KrisColumn, number>;

function valuesOf(
  sample: BenchmarkSample,
  record: KrisRecord | undefined,
  { missing, records }: KrisSwitches,
): Values {
  const metrics = krisMetrics(krisCategory(sample.category)!);
  const columns = Object.entries(KRIS_COLUMNS).filter(([, metric]) => metrics.includes(metric));
  const scores = columns.map(
    ([column, metric]) => [column as KrisColumn, record?.scores[metric]?.score ?? null] as const,
  );
  if (records === 'complete' && scores.some(([, score]) => score === null)) return new Map();
  const counted = scores.map(
    ([column, score]) => [column, missing === 'raw1' ? (score ?? 1) : score] as const,
  );
  return new Map(counted.flatMap(([column, score]) => (score === null ? [] : [[column, 25 * (score - 1)]])));
}

function groupOf(values: readonly Values[], { weighting }: KrisSwitches): KrisGroup | null {
  const present = values.filter(({ size }) => size > 0);
  const perSample = present.map((sample) => meanOf([...sample.values()])!);
  const pooled = present.flatMap((sample) => [...sample.values()]);
  const average = meanOf(weighting === 'sample' ? perSample : pooled);
  if (average === null) return null;
  const columns = Object.keys(KRIS_COLUMNS) as KrisColumn[];
  const metrics = columns.flatMap((column) => {
    const mean = meanOf(present.flatMap((sample) => sample.get(column) ?? []));
    return mean === null ? [] : [[column, mean] as const];
  });
  return { metrics: Object.fromEntries(metrics), average, samples: present.length };
}
