import type { JudgeReply } from './judge.ts';
import type { JudgeCall } from './judge-call.ts';
import type { Endings } from './picture.ts';
import type { PromptBook } from './prompt-book.ts';
import type { ReportTable } from './report.ts';
import type { BenchmarkSample, SampleProblem } from './sample.ts';

/** The scores of a run. */
export interface BenchmarkScores {
  /** Scores of every judged sample, as they are written to `scores.json`. */
  readonly scores: unknown;
  readonly tables: readonly ReportTable[];
  /** Samples of which a score is missing. */
  readonly unscored: readonly string[];
}

/** A benchmark with its samples and switches, as {@link runBenchmark} drives it. */
export interface Benchmark {
  readonly name: string;
  /** The name that people know it by. */
  readonly title: string;
  readonly samples: readonly BenchmarkSample[];
  /** Samples that could not be loaded. */
  readonly problems: readonly SampleProblem[];
  /** How many samples the released set has that published numbers are of. */
  readonly fullSize: number;
  /** Endings of edited pictures, in the order in which they are looked for. */
  readonly endings: Endings;
  /** Our own prompts, used where no originals are given. */
  readonly ownPrompts: PromptBook;
  /** Models that published numbers were judged by; a judge's name begins with one. */
  readonly publishedJudges: readonly string[];
  /** Every switch and what it is set to. */
  readonly switches: Readonly<Record<string, string>>;
  /** The calls that judge the samples of which there is a picture, by the key of the sample. */
  calls(pictures: ReadonlyMap<string, string>): readonly JudgeCall[];
  /** Whether a reply holds the scores it was asked for. */
  isScored(call: JudgeCall, reply: JudgeReply): boolean;
  /** Scores from the replies; `name` stands in the row of this run. */
  score(judged: ReadonlySet<string>, replies: ReadonlyMap<string, JudgeReply>, name: string): BenchmarkScores;
}
