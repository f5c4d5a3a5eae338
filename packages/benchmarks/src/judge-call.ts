import type { PictureForm } from './picture.ts';
import type { PromptValues } from './prompt-book.ts';
import type { BenchmarkSample } from './sample.ts';

/** A piece of a judge's message after the prompt: a short text, or the picture file at a path. */
export type CallPart = { readonly label: string } | { readonly picture: string; readonly form: PictureForm };

/** How a judge is asked. */
export interface CallSettings {
  readonly maxTokens: number;
  /** Left out, the server's default rules. */
  readonly temperature?: number;
  readonly pictureDetail?: 'high';
}

/** One question to a judge about one sample. */
export interface JudgeCall {
  readonly sample: BenchmarkSample;
  /** Which of the sample's questions: `consistency`, `judge1` and the like. */
  readonly step: string;
  /** Name of the prompt. */
  readonly prompt: string;
  readonly values: PromptValues;
  readonly parts: readonly CallPart[];
  readonly settings: CallSettings;
}

/** What one judge call is known by within a benchmark. */
export function callKey({ sample, step }: Pick<JudgeCall, 'sample' | 'step'>): string {
  return `${sample.key}/${step}`;
}
