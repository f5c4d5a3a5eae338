import { UpstreamCrashError } from '../error.ts';
import type { JudgeReply } from '../judge.ts';
import { callKey } from '../judge-call.ts';
import type { BenchmarkSample } from '../sample.ts';
import { isSet, riseRecordOf } from './load.ts';
import { riseNumbers, strictRiseScore } from './parse.ts';

/**
 * How replies are read. `first`: as upstream does where a reply announces one number, and the first of several, on which
 * upstream stops or misreads the sample. `upstream`: bug for bug. `strict`: without guessing.
 */
export type RiseParsing = 'first' | 'upstream' | 'strict';

/** The scores of one sample, 1 to 5; logical samples are judged 0 or 1, which count as 1 and 5. */
export interface RiseScores {
  readonly consistency: number | null;
  readonly reasoning: number | null;
  readonly plausibility: number | null;
}

/** A sample with its scores; all null where any reply that was needed failed. */
export interface RiseRecordScores {
  readonly sample: BenchmarkSample;
  readonly scores: RiseScores;
  readonly judged: boolean;
}

const unscored: RiseScores = { consistency: null, reasoning: null, plausibility: null };

/**
 * Reads the replies about one sample.
 *
 * @throws UpstreamCrashError with `upstream`, for replies on which the benchmark's own evaluator stops.
 */
export function riseScores(
  sample: BenchmarkSample,
  replies: ReadonlyMap<string, JudgeReply>,
  parsing: RiseParsing,
): RiseRecordScores {
  const record = riseRecordOf(sample);
  const logical = sample.category === 'logical_reasoning';
  const free = isSet(record, 'consistency_free');
  const steps = [...(free ? [] : ['judge1']), 'judge2', ...(logical ? [] : ['judge3'])];
  const lists = steps.map((step) => {
    const brought = record.judge?.[step];
    const reply = brought === undefined ? replies.get(callKey({ sample, step })) : whole(brought);
    return reply === undefined || 'failed' in reply ? [] : readRiseReply(reply, { logical, parsing });
  });
  if (lists.some((numbers) => numbers.length === 0)) return { sample, scores: unscored, judged: false };
  const numbers = [...(free ? [null] : []), ...lists.flat()];
  return { sample, scores: combine(sample, numbers), judged: true };
}

const whole = (text: string): JudgeReply => ({ text, complete: true });

/** What {@link readRiseReply} has to know beside the reply. */
export interface RiseReading {
  readonly logical: boolean;
  readonly parsing: RiseParsing;
}

/** The numbers in one reply: none is a failure, several are upstream's reading. */
export function readRiseReply(
  { text, complete }: Extract<JudgeReply, { text: string }>,
  { logical, parsing }: RiseReading,
): readonly number[] {
  if (parsing === 'strict') {
    const score = complete
      ? strictRiseScore(text, logical ? { least: 0, most: 1 } : { least: 1, most: 5 })
      : null;
    return score === null ? [] : [score];
  }
  const numbers = riseNumbers(text);
  return parsing === 'first' ? numbers.slice(0, 1) : numbers;
}

/** Three numbers are the scores, two are those of a logical sample; so upstream takes three of a logical one for scores. */
function combine(sample: BenchmarkSample, numbers: readonly (number | null)[]): RiseScores {
  const [consistency = null, reasoning = null, plausibility = null] = numbers;
  if (numbers.length === 3) return { consistency, reasoning, plausibility };
  if (numbers.length === 2)
    return { consistency: fromBinary(consistency), reasoning: fromBinary(reasoning), plausibility: null };
  throw new UpstreamCrashError({
    sample: sample.key,
    problem: `its replies announce ${numbers.length} numbers, on which upstream stops; read them with "first" or "strict"`,
  });
}

function fromBinary(score: number | null): number {
  return 4 * Math.min(score ?? 0, 1) + 1;
}
