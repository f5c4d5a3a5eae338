import type { Benchmark } from '../benchmark.ts';
import type { ReportTable } from '../report.ts';
import type { LoadedSamples } from '../sample.ts';
import {
  aggregateKris,
  KRIS_SWITCHES,
  type KrisAggregate,
  type KrisGroup,
  type KrisGroups,
  type KrisSwitches,
} from './aggregate.ts';
import { type AnomalyPrompt, krisCalls } from './calls.ts';
import { KRIS_OWN_PROMPTS } from './own-prompts.ts';
import { KRIS_PUBLISHED, KRIS_PUBLISHED_INSTRUCTION } from './published.ts';
import { type KrisParsing, krisMetricsFiles, krisRecord, readKrisReply } from './score.ts';
import { KRIS_CATEGORIES, KRIS_COLUMNS, type KrisColumn } from './taxonomy.ts';

/** Settings of {@link krisBenchmark}; each default is what the paper's numbers show. */
export interface KrisOptions extends Partial<KrisSwitches> {
  readonly anomalyPrompt?: AnomalyPrompt;
  readonly parsing?: KrisParsing;
}

/**
 * KRIS-Bench over loaded samples.
 *
 * @example
 * const bench = krisBenchmark(await loadKris('KRIS_Bench'), { weighting: 'value' });
 */
export function krisBenchmark(loaded: LoadedSamples, options: KrisOptions = {}): Benchmark {
  const { anomalyPrompt = 'upstream', parsing = 'upstream', ...given } = options;
  const switches: KrisSwitches = { ...KRIS_SWITCHES, ...given };
  return {
    name: 'kris',
    title: 'KRIS-Bench',
    ...loaded,
    fullSize: KRIS_CATEGORIES.reduce((sum, { samples }) => sum + samples, 0),
    endings: ['jpg', 'png', 'jpeg'],
    ownPrompts: KRIS_OWN_PROMPTS,
    publishedJudges: ['gpt-4o'],
    switches: { ...switches, anomalyPrompt, parsing },
    calls: (pictures) =>
      loaded.samples.flatMap((sample) => {
        const picture = pictures.get(sample.key);
        return picture === undefined ? [] : krisCalls(sample, picture, anomalyPrompt);
      }),
    isScored: ({ sample: { category }, step }, reply) =>
      Object.values(readKrisReply(reply, { category, step, parsing })).every(({ score }) => score !== null),
    score(judged, replies, name) {
      const records = loaded.samples
        .filter(({ key }) => judged.has(key))
        .map((sample) => krisRecord(sample, replies, parsing));
      const unscored = records.filter(({ scores }) =>
        Object.values(scores).some(({ score }) => score === null),
      );
      return {
        scores: krisMetricsFiles(records),
        tables: tablesOf(aggregateKris(loaded.samples, records, switches), name),
        unscored: unscored.map(({ sample }) => sample.key),
      };
    },
  };
}

const columns = Object.keys(KRIS_COLUMNS) as KrisColumn[];

function tablesOf(aggregate: KrisAggregate, name: string): readonly ReportTable[] {
  return [
    overallTable(aggregate, name),
    groupTable('Dimensions', { ...aggregate.dimensions, ...overallOf(aggregate) }),
    groupTable('Categories', aggregate.categories),
    {
      title: 'Instruction following beside published means',
      columns: ['IF'],
      rows: [
        { name, cells: [aggregate.overall?.metrics.IF ?? null] },
        ...KRIS_PUBLISHED_INSTRUCTION.map(([model, value, note]) => ({ name: model, cells: [value], note })),
      ],
    },
  ];
}

function overallOf({ overall }: KrisAggregate): KrisGroups {
  return overall === null ? {} : { Overall: overall };
}

function overallTable({ knowledge, overall }: KrisAggregate, name: string): ReportTable {
  const kinds = ['Factual', 'Conceptual', 'Procedural'];
  const own = kinds.map((kind) => knowledge[`${kind} Knowledge`]?.average ?? null);
  return {
    title: 'Knowledge types beside published results',
    columns: [...kinds, 'Overall'],
    rows: [
      { name, cells: [...own, overall?.average ?? null] },
      ...KRIS_PUBLISHED.map(
        ({ model, factual, conceptual, procedural, overall: all, source, weighting }) => ({
          name: model,
          cells: [factual, conceptual, procedural, all].map((value) => value ?? null),
          note: `${source}; weighting ${weighting ?? 'not known'}`,
        }),
      ),
    ],
  };
}

function groupTable(title: string, groups: Readonly<Record<string, KrisGroup>>): ReportTable {
  return {
    title,
    columns: [...columns, 'average', 'samples'],
    counts: ['samples'],
    rows: Object.entries(groups).map(([name, { metrics, average, samples }]) => ({
      name,
      cells: [...columns.map((column) => metrics[column] ?? null), average, samples],
    })),
  };
}
