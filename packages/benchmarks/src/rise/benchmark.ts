import type { Benchmark } from '../benchmark.ts';
import type { JudgeReply } from '../judge.ts';
import type { ReportTable } from '../report.ts';
import type { LoadedSamples } from '../sample.ts';
import {
  RISE_SWITCHES,
  type RiseRow,
  type RiseSwitches,
  type RiseVerdict,
  riseTable,
  riseVerdicts,
} from './aggregate.ts';
import { riseCalls } from './calls.ts';
import { RISE_OWN_PROMPTS } from './own-prompts.ts';
import { RISE_PUBLISHED } from './published.ts';
import { type RiseParsing, readRiseReply, riseScores } from './score.ts';
import { RISE_CATEGORIES } from './taxonomy.ts';

/** Settings of {@link riseBenchmark}; each default is what the leaderboard's numbers show. */
export interface RiseOptions extends Partial<RiseSwitches> {
  readonly parsing?: RiseParsing;
}

/**
 * RISEBench over loaded samples.
 *
 * @example
 * const bench = riseBenchmark(await loadRise('data'), { accuracyMode: 'legacy' });
 */
export function riseBenchmark(loaded: LoadedSamples, options: RiseOptions = {}): Benchmark {
  const { parsing = 'first', ...given } = options;
  const switches: RiseSwitches = { ...RISE_SWITCHES, ...given };
  const { samples } = loaded;
  const withoutQuestion = samples.some(({ record }) => 'reasoning_wo_ins' in record);
  return {
    name: 'rise',
    title: 'RISEBench',
    ...loaded,
    fullSize: RISE_CATEGORIES.reduce((sum, category) => sum + category.samples, 0),
    endings: ['png', 'jpg', 'jpeg'],
    ownPrompts: RISE_OWN_PROMPTS,
    publishedJudges: ['gpt-4.1-2025-04-14'],
    switches: { ...switches, parsing },
    calls: (pictures) =>
      samples.flatMap((sample) => {
        const picture = pictures.get(sample.key);
        return picture === undefined ? [] : riseCalls(sample, { picture, withoutQuestion });
      }),
    isScored: ({ sample }, reply) => isScored(reply, sample.category === 'logical_reasoning', parsing),
    score(judged, replies, name) {
      const records = samples.map((sample) =>
        riseScores(sample, judged.has(sample.key) ? replies : new Map(), parsing),
      );
      const verdicts = riseVerdicts(records, switches);
      return {
        scores: Object.fromEntries(verdicts.map(scoreRecord)),
        tables: tablesOf(riseTable(verdicts), name),
        unscored: verdicts
          .filter(({ judged: read, sample }) => !read && judged.has(sample.key))
          .map(({ sample }) => sample.key),
      };
    },
  };
}

function isScored(reply: JudgeReply, logical: boolean, parsing: RiseParsing): boolean {
  return !('failed' in reply) && readRiseReply(reply, { logical, parsing }).length > 0;
}

function scoreRecord({ sample, scores, judged, score, complete }: RiseVerdict) {
  return [sample.key, { ...scores, judged, score, complete }] as const;
}

function tablesOf(rows: readonly RiseRow[], name: string): readonly ReportTable[] {
  const row = new Map(rows.map((each) => [each.name, each]));
  const accuracy = (each: string) => percent(row.get(each)?.accuracy ?? null);
  const percentage = (each: string) => row.get(each)?.percentage ?? null;
  const titles = [...RISE_CATEGORIES.map(({ title }) => title), 'Overall'];
  const own = [
    ...titles.map(accuracy),
    ...['Overall_Reasoning', 'Overall_ApprConsistency', 'Overall_VisualPlausibility_total'].map(percentage),
  ];
  return [
    {
      title: 'Accuracy in percent, and mean scores, beside published results',
      columns: [...titles, 'Reasoning', 'Consistency', 'Plausibility'],
      rows: [{ name, cells: own }, ...RISE_PUBLISHED.map(publishedRow)],
    },
    {
      title: 'All rows of the evaluator',
      columns: ['score', 'percentage', 'accuracy in percent'],
      rows: rows.map((each) => ({
        name: each.name,
        cells: [each.score, each.percentage, percent(each.accuracy)],
      })),
    },
  ];
}

function publishedRow(row: (typeof RISE_PUBLISHED)[number]) {
  const { temporal, causal, spatial, logical, overall, reasoning, consistency, plausibility } = row;
  const figures = [temporal, causal, spatial, logical, overall, reasoning, consistency, plausibility];
  return {
    name: row.model,
    cells: figures.map((value) => value ?? null),
    note: `${row.source}; accuracyMode ${row.accuracyMode}`,
  };
}

function percent(share: number | null): number | null {
  return share === null ? null : 100 * share;
}
