import type { EditTask, JudgedChain, Judgement, Key } from '@thinkrl/spec';
import { type CollectOptions, collect } from './collect.ts';
import { meanOracle } from './step-report.ts';

/** Tasks to evaluate on, with the key that decides every draw. */
export interface EvaluationRequest<Task extends EditTask> {
  readonly tasks: readonly Task[];
  readonly key: Key;
  /** Gives the evaluation up: it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Mean exact scores in [0, 1] over evaluated tasks. */
export interface Evaluation {
  readonly tasks: number;
  /** Of the final pictures. */
  readonly scores: Readonly<Record<string, number>>;
  /** Of the first edits, before any reflection. */
  readonly firstScores: Readonly<Record<string, number>>;
  readonly perCategory: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Share of reflections that asked for a fix. */
  readonly fixShare: number;
}

/** One chain per task without SDE noise, scored by the oracle of the reward. */
export async function evaluate<Task extends EditTask>(
  collecting: Omit<CollectOptions<Task>, 'groupSize'>,
  { tasks, key, signal }: EvaluationRequest<Task>,
): Promise<{ readonly evaluation: Evaluation; readonly judged: readonly JudgedChain<Task>[] }> {
  const { judged } = await collect({ ...collecting, groupSize: 1 }, { tasks, stochastic: [], key, signal });
  return { evaluation: summariseEvaluation(judged), judged };
}

function summariseEvaluation(judged: readonly JudgedChain[]): Evaluation {
  const final = (member: JudgedChain): Judgement => member.stages.at(-1)!;
  const categories = [...new Set(judged.map((member) => member.chain.task.category))].sort();
  const reflections = judged.flatMap((member) => member.chain.rounds.map((round) => round.reflection));
  const fixes = reflections.filter((reflection) => reflection.verdict === 'fix').length;
  return {
    tasks: judged.length,
    scores: meanOracle(judged.map(final)),
    firstScores: meanOracle(judged.map((member) => member.stages[0]!)),
    perCategory: Object.fromEntries(
      categories.map((category) => [
        category,
        meanOracle(judged.filter((member) => member.chain.task.category === category).map(final)),
      ]),
    ),
    fixShare: fixes / Math.max(1, reflections.length),
  };
}
