/** One sample of a benchmark. */
export interface BenchmarkSample {
  /** Unique within the benchmark: `color_change/1`, `temporal_reasoning_1`. */
  readonly key: string;
  readonly id: string;
  readonly category: string;
  readonly instruction: string;
  /** Paths of the pictures to be edited, in order. */
  readonly inputs: readonly string[];
  /** What only the judge may see. */
  readonly reference: { readonly text?: string; readonly image?: string };
  /** Where its edited picture is kept below a model's folder, without the ending. */
  readonly outputStem: string;
  /** The record as it stands in the annotation. */
  readonly record: Readonly<Record<string, unknown>>;
}

/** A sample, or a file of one, that cannot be used, and why. */
export interface SampleProblem {
  readonly key: string;
  readonly problem: string;
}

/** What a benchmark's folder holds. Broken records are reported, the others stand. */
export interface LoadedSamples {
  readonly samples: readonly BenchmarkSample[];
  readonly problems: readonly SampleProblem[];
}
