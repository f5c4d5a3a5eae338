import type { JudgeReply } from '../judge.ts';
import { callKey } from '../judge-call.ts';
import type { BenchmarkSample } from '../sample.ts';
import { type KrisScore, parseKrisDual, parseKrisScore } from './parse.ts';
import { strictKrisScores } from './strict.ts';
import { type KrisMetric, krisCategory } from './taxonomy.ts';

/** How replies are read: as upstream does, or without guessing. */
export type KrisParsing = 'upstream' | 'strict';

/** The scores of one sample that was judged. */
export interface KrisRecord {
  readonly sample: BenchmarkSample;
  readonly scores: Readonly<Partial<Record<KrisMetric, KrisScore>>>;
}

/** Reads the replies about one sample; a failed call is an empty reply, as upstream takes it. */
export function krisRecord(
  sample: BenchmarkSample,
  replies: ReadonlyMap<string, JudgeReply>,
  parsing: KrisParsing,
): KrisRecord {
  const knowledge = krisCategory(sample.category)!.script === 'knowledge';
  const steps = ['consistency', knowledge ? 'dual' : 'instruction', 'quality'];
  const scores = steps.map((step) =>
    readKrisReply(replies.get(callKey({ sample, step })) ?? { failed: 'was not asked' }, {
      category: sample.category,
      step,
      parsing,
    }),
  );
  return { sample, scores: Object.assign({}, ...scores) as KrisRecord['scores'] };
}

/** What {@link readKrisReply} has to know beside the reply. */
export interface KrisReading {
  readonly category: string;
  readonly step: string;
  readonly parsing: KrisParsing;
}

/** The scores in one reply, by metric. */
export function readKrisReply(
  reply: JudgeReply,
  { category, step, parsing }: KrisReading,
): Readonly<Partial<Record<KrisMetric, KrisScore>>> {
  const text = 'failed' in reply ? '' : reply.text;
  const metrics: readonly KrisMetric[] =
    step === 'dual' ? ['instruction', 'knowledge'] : [step as 'consistency' | 'instruction' | 'quality'];
  if (parsing === 'strict') {
    const whole = 'failed' in reply || reply.complete;
    return strictKrisScores(whole ? text : '', metrics);
  }
  if (step === 'dual') return parseKrisDual(text);
  const metric = step as 'consistency' | 'instruction' | 'quality';
  return { [metric]: parseKrisScore(text, { script: krisCategory(category)!.script, metric }) };
}

/**
 * Records in the form of upstream's `metrics.json`, by category and id.
 *
 * @example
 * krisMetricsFiles(records).chemistry; // { "1": { "instruction": ..., "consistency_score": 5, ... } }
 */
export function krisMetricsFiles(
  records: readonly KrisRecord[],
): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  const files: Record<string, Record<string, unknown>> = {};
  for (const { sample, scores } of records) {
    files[sample.category] ??= {};
    files[sample.category]![sample.id] = {
      instruction: sample.instruction,
      explain: sample.reference.text ?? '',
      ...Object.fromEntries(
        Object.entries(scores).flatMap(([metric, { score, reasoning }]) => [
          [`${metric}_score`, score],
          [`${metric}_reasoning`, reasoning],
        ]),
      ),
    };
  }
  return files;
}
