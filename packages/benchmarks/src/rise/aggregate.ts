import { meanOf } from '../mean.ts';
import { isSet, riseRecordOf } from './load.ts';
import type { RiseRecordScores } from './score.ts';
import { RISE_CATEGORIES } from './taxonomy.ts';

/** What published RISE numbers differ by. */
export interface RiseSwitches {
  /**
   * `upstream`: as soon as any record of the set has the key `consistency_free`, consistency enters no score of a
   * temporal, causal or spatial sample, since the evaluator takes a missing flag for a set one. `weighted`: only where
   * the flag is set. Accuracy is the same with both.
   */
  readonly scoreMode: 'upstream' | 'weighted';
  /** `post2026`: a sample that is free of consistency can be right without it. `legacy`: it never is right. */
  readonly accuracyMode: 'post2026' | 'legacy';
}

/** The switches of the benchmark's evaluator since April 2026. */
export const RISE_SWITCHES: RiseSwitches = { scoreMode: 'upstream', accuracyMode: 'post2026' };

/** A row of the result table; null stands where nothing was scored. */
export interface RiseRow {
  readonly name: string;
  /** Mean score, 1 to 5. */
  readonly score: number | null;
  /** `25 (score - 1)`. */
  readonly percentage: number | null;
  /** Share of samples with full marks, 0 to 1; null in rows of single dimensions. */
  readonly accuracy: number | null;
}

/** A sample with its score and whether it is wholly right. */
export interface RiseVerdict extends RiseRecordScores {
  readonly score: number | null;
  readonly complete: boolean;
}

/** Scores every sample. Whether any record has the key `consistency_free` is asked of all of them. */
export function riseVerdicts(
  records: readonly RiseRecordScores[],
  switches: RiseSwitches,
): readonly RiseVerdict[] {
  const column = records.some(({ sample }) => sample.record.consistency_free !== undefined);
  const missingIsFree = column && switches.scoreMode === 'upstream';
  return records.map((record) => ({
    ...record,
    score: scoreOf(record, isFree(record.sample.record, switches, missingIsFree)),
    complete: isComplete(record, switches),
  }));
}

/** Upstream tests the flag for truth, and a missing one is NaN, which is true. */
function isFree(
  record: RiseRecordScores['sample']['record'],
  { scoreMode }: RiseSwitches,
  missingIsFree: boolean,
): boolean {
  const { consistency_free: flag } = record;
  if (scoreMode === 'weighted') return isSet(record, 'consistency_free');
  return flag === undefined ? missingIsFree : Boolean(flag);
}

function scoreOf({ sample, scores }: RiseRecordScores, free: boolean): number | null {
  const { consistency, reasoning, plausibility } = scores;
  if (reasoning === null) return null;
  const score =
    sample.category === 'logical_reasoning'
      ? weigh([0.3, consistency], [0.7, reasoning])
      : free
        ? weigh([0.2, plausibility], [0.8, reasoning])
        : weigh([0.3, consistency], [0.5, reasoning], [0.2, plausibility]);
  if (score === null || reasoning !== 1) return score;
  return Math.max(1, score * 0.5);
}

function weigh(...terms: readonly (readonly [weight: number, score: number | null])[]): number | null {
  let sum = 0;
  for (const [weight, score] of terms) {
    if (score === null) return null;
    sum += weight * score;
  }
  return sum;
}

function isComplete({ sample, scores }: RiseRecordScores, { accuracyMode }: RiseSwitches): boolean {
  const logical = sample.category === 'logical_reasoning';
  const free = accuracyMode === 'post2026' && !logical && isSet(riseRecordOf(sample), 'consistency_free');
  const needed = [
    ...(free ? [] : [scores.consistency]),
    scores.reasoning,
    ...(logical ? [] : [scores.plausibility]),
  ];
  return needed.every((score) => score === 5);
}

/**
 * The result table in upstream's order. Samples without a score are left out of mean scores and stay in the denominator
 * of every accuracy; means of single dimensions skip what is null.
 *
 * @example
 * riseTable(riseVerdicts(records, RISE_SWITCHES))[0]; // { name: 'Overall', score, percentage, accuracy }
 */
export function riseTable(verdicts: readonly RiseVerdict[]): readonly RiseRow[] {
  const of = (category: string) => verdicts.filter(({ sample }) => sample.category === category);
  return [
    withAccuracy('Overall', verdicts),
    ...RISE_CATEGORIES.map(({ title, name }) => withAccuracy(title, of(name))),
    dimension('Overall_Reasoning', verdicts, 'reasoning'),
    dimension('Overall_ApprConsistency', verdicts, 'consistency'),
    dimension('Overall_VisualPlausibility_total', verdicts, 'plausibility'),
    ...RISE_CATEGORIES.flatMap(({ title, name }) => [
      dimension(`${title}_Reasoning`, of(name), 'reasoning'),
      dimension(`${title}_Consistency`, of(name), 'consistency'),
      ...(name === 'logical_reasoning' ? [] : [dimension(`${title}_Quality`, of(name), 'plausibility')]),
    ]),
    ...subtaskRows(verdicts),
  ];
}

function subtaskRows(verdicts: readonly RiseVerdict[]): readonly RiseRow[] {
  return RISE_CATEGORIES.flatMap(({ prefix, subtasks }) =>
    subtasks.flatMap((subtask) => {
      const members = verdicts.filter(({ sample }) => sample.record.subtask === subtask);
      return members.length === 0 ? [] : [withAccuracy(`${prefix}-${subtask}`, members)];
    }),
  );
}

function withAccuracy(name: string, verdicts: readonly RiseVerdict[]): RiseRow {
  const score = meanOf(verdicts.flatMap((verdict) => verdict.score ?? []));
  return rowOf(name, score, meanOf(verdicts.map(({ complete }) => Number(complete))));
}

function dimension(
  name: string,
  verdicts: readonly RiseVerdict[],
  which: keyof RiseVerdict['scores'],
): RiseRow {
  return rowOf(name, meanOf(verdicts.flatMap(({ scores }) => scores[which] ?? [])), null);
}

function rowOf(name: string, score: number | null, accuracy: number | null): RiseRow {
  return { name, score, percentage: score === null ? null : 25 * (score - 1), accuracy };
}
