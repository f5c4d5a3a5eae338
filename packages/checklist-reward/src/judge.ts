import type { Answer, EditTask, Image, Key, Question } from '@thinkrl/spec';

/** One picture to be asked about. */
export interface JudgeRequest<Task extends EditTask = EditTask> {
  readonly task: Task;
  /** The edited picture. */
  readonly image: Image;
  readonly questions: readonly Question[];
  /** Randomness of a judge that has any; the same key gives the same reply. */
  readonly key: Key;
}

/** One answer per question, in the order of the questions. */
export interface Judged {
  readonly answers: readonly Answer[];
}

/** No verdict, and why: an unanswered question makes the whole picture unjudged, never a silent zero. */
export interface Unjudged {
  readonly unjudged: string;
}

/** What a judge says of one picture. Tell the two apart with `'unjudged' in reply`. */
export type JudgeReply = Judged | Unjudged;

/** Options of a call that may be remote and slow. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/**
 * Answers yes/no questions about edited pictures (method section 2).
 *
 * `name` and `version` are stored with every score, so that a drifting judge is seen. A reply that stays missing or
 * unreadable after the judge's own retries is `unjudged`; anything thrown stops the run.
 *
 * @example
 * const [reply] = await judge.answer([{ task, image, questions: task.checklist.questions, key: Key.of(1) }]);
 */
export interface Judge<Task extends EditTask = EditTask> {
  readonly name: string;
  readonly version: string;
  /** One reply per request, in order. */
  answer(requests: readonly JudgeRequest<Task>[], options?: CallOptions): Promise<readonly JudgeReply[]>;
}
