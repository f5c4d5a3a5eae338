import { ThinkError } from '@thinkrl/spec';

/**
 * Base of every error of this package but `ConfigError`.
 *
 * @example
 * if (error instanceof ChecklistRewardError) console.error(error.code);
 */
export abstract class ChecklistRewardError extends ThinkError {}

/** A task that is scored by checklist carries none. */
export class MissingChecklistError extends ChecklistRewardError {
  readonly code = 'CHECKLIST_MISSING';
  readonly taskId: string;

  constructor(problem: { readonly taskId: string }, options?: ErrorOptions) {
    super(`task ${problem.taskId} has no checklist, or one without questions`, options);
    this.taskId = problem.taskId;
  }
}

/** What {@link JudgeContractError} says: who broke the contract and how. */
export interface ContractProblem {
  /** Name of the judge or reward dimension. */
  readonly source: string;
  readonly problem: string;
  /** The task concerned, where it is one. */
  readonly taskId?: string;
}

/** A judge or dimension did not give what its interface promises: a bug in it, not a hard picture. */
export class JudgeContractError extends ChecklistRewardError {
  readonly code = 'CHECKLIST_JUDGE_CONTRACT';
  readonly source: string;
  readonly problem: string;
  readonly taskId: string | undefined;

  constructor(problem: ContractProblem, options?: ErrorOptions) {
    const where = problem.taskId === undefined ? '' : ` on task ${problem.taskId}`;
    super(`${problem.source}${where}: ${problem.problem}`, options);
    this.source = problem.source;
    this.problem = problem.problem;
    this.taskId = problem.taskId;
  }
}
