import { ChecklistRewardError } from '../error.ts';

/** A cache of judgements that cannot be read or written, or was made by something else. */
export class JudgeCacheError extends ChecklistRewardError {
  readonly code = 'CHECKLIST_JUDGE_CACHE';
  readonly path: string;

  constructor(problem: { readonly path: string; readonly problem: string }, options?: ErrorOptions) {
    super(`${problem.path}: ${problem.problem}`, options);
    this.path = problem.path;
  }
}
