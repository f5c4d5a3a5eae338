import type { EncodedPicture } from '@thinkrl/served';
import type { JudgeCall } from './judge-call.ts';

/** A call with its message: the prompt, then labels and pictures in order. */
export interface JudgeRequest {
  readonly call: JudgeCall;
  readonly content: readonly (string | EncodedPicture)[];
}

/** What a judge said, word for word, or why it said nothing. */
export type JudgeReply =
  | { readonly text: string /** False where the token limit cut it off. */; readonly complete: boolean }
  | { readonly failed: string };

/**
 * Answers the questions of a benchmark in words; parsing them is the benchmark's part. `name` and `version` are stored
 * with every reply. A reply that stays missing after the judge's own retries is `failed`; anything thrown stops the run.
 */
export interface BenchmarkJudge {
  readonly name: string;
  readonly version: string;
  reply(request: JudgeRequest, options?: { readonly signal?: AbortSignal }): Promise<JudgeReply>;
}
