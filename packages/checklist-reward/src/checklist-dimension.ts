import type { Answer, EditTask, Question } from '@thinkrl/spec';
import type { DimensionScore, RewardDimension, ScoreRequest } from './dimension.ts';
import { JudgeContractError, MissingChecklistError } from './error.ts';
import type { CallOptions, Judge, JudgeReply, JudgeRequest } from './judge.ts';
import { answerTo, checklistScore } from './score.ts';

/** Settings of {@link checklistDimension}. */
export interface ChecklistDimensionOptions<Task extends EditTask = EditTask> {
  readonly judge: Judge<Task>;
  /** Default `instruction`. */
  readonly name?: string;
  /** The questions to ask; default the task's own checklist. */
  readonly questions?: (task: Task) => readonly Question[];
}

/**
 * Instruction following: a judge answers the checklist, the score is the share of answers that agree with what is
 * expected, so a judge that always says yes cannot score 1 on a checklist of mixed polarity (method section 2).
 *
 * `score` throws {@link MissingChecklistError} for a task without questions and {@link JudgeContractError} for a judge
 * that answers other questions than it was asked.
 *
 * @example
 * const dimension = checklistDimension({ judge: fakeJudge('yes') });
 */
export function checklistDimension<Task extends EditTask>(
  options: ChecklistDimensionOptions<Task>,
): RewardDimension<Task> {
  const { judge, name = 'instruction', questions = ownQuestions } = options;
  return {
    name,
    async score(requests, call) {
      const asked = requests.map((request) => ask(request, questions));
      return scoreReplies(judge.name, asked, await repliesOf(judge, asked, call));
    },
  };
}

function ownQuestions(task: EditTask): readonly Question[] {
  return task.checklist?.questions ?? [];
}

function ask<Task extends EditTask>(
  request: ScoreRequest<Task>,
  questionsOf: (task: Task) => readonly Question[],
): JudgeRequest<Task> {
  const questions = questionsOf(request.task);
  if (questions.length === 0) throw new MissingChecklistError({ taskId: request.task.id });
  return { ...request, questions };
}

async function repliesOf<Task extends EditTask>(
  judge: Judge<Task>,
  asked: readonly JudgeRequest<Task>[],
  call: CallOptions | undefined,
): Promise<readonly JudgeReply[]> {
  const replies = asked.length === 0 ? [] : await judge.answer(asked, call);
  if (replies.length !== asked.length)
    throw new JudgeContractError({
      source: judge.name,
      problem: `${replies.length} replies to ${asked.length} requests`,
    });
  return replies;
}

function scoreReplies(
  source: string,
  asked: readonly JudgeRequest[],
  replies: readonly JudgeReply[],
): readonly DimensionScore[] {
  return replies.map((reply, index) => {
    if ('unjudged' in reply) return reply;
    checkAnswers(source, asked[index]!, reply.answers);
    return { value: checklistScore(reply.answers), answers: reply.answers };
  });
}

function checkAnswers(source: string, request: JudgeRequest, answers: readonly Answer[]): void {
  const taskId = request.task.id;
  const { questions } = request;
  if (answers.length !== questions.length)
    throw new JudgeContractError({
      source,
      taskId,
      problem: `${answers.length} answers to ${questions.length} questions`,
    });
  answers.forEach((answer, index) => {
    const question = questions[index]!;
    if (answer.questionId !== question.id)
      throw new JudgeContractError({
        source,
        taskId,
        problem: `answers ${answer.questionId} where ${question.id} was asked`,
      });
    if (answer.agrees !== answerTo(question, answer.reply).agrees)
      throw new JudgeContractError({
        source,
        taskId,
        problem: `says ${answer.reply} to ${question.id} and marks it the wrong way`,
      });
  });
}
