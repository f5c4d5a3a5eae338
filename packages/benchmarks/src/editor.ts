import { readFile } from 'node:fs/promises';
import type { BenchmarkSample } from './sample.ts';

/** Edits the samples of a benchmark. */
export interface BenchmarkEditor {
  readonly name: string;
  /**
   * The edited picture as the bytes of a PNG or JPEG file.
   *
   * @throws EditFailedError for a sample that cannot be edited; anything else stops the run.
   */
  edit(sample: BenchmarkSample, options?: { readonly signal?: AbortSignal }): Promise<Uint8Array>;
  /** Ends what the editor keeps running. */
  close?(): Promise<void>;
}

/** The editor that changes nothing: its output is the first input picture. What a benchmark gives it is the floor. */
export function identityEditor(): BenchmarkEditor {
  return { name: 'identity', edit: ({ inputs }) => readFile(inputs[0]!) };
}
