import type { EditTask, Question } from '@thinkrl/spec';
import type { Judge, JudgeReply, JudgeRequest } from '../judge.ts';
import { answerTo } from '../score.ts';

/** What a fake judge replies: always the same, or by question; undefined leaves the picture unjudged. */
export type JudgeScript<Task extends EditTask = EditTask> =
  | 'yes'
  | 'no'
  | ((question: Question, request: JudgeRequest<Task>) => 'yes' | 'no' | undefined);

/** A judge that answers by script and remembers what it was asked. */
export interface FakeJudge<Task extends EditTask = EditTask> extends Judge<Task> {
  readonly asked: readonly JudgeRequest<Task>[];
}

/**
 * A judge for tests.
 *
 * @example
 * const judge = fakeJudge((question) => (question.id === 'colour' ? 'yes' : 'no'));
 */
export function fakeJudge<Task extends EditTask = EditTask>(script: JudgeScript<Task>): FakeJudge<Task> {
  const asked: JudgeRequest<Task>[] = [];
  return {
    name: 'fake',
    version: '1',
    asked,
    async answer(requests) {
      asked.push(...requests);
      return requests.map((request) => replyTo(request, script));
    },
  };
}

function replyTo<Task extends EditTask>(request: JudgeRequest<Task>, script: JudgeScript<Task>): JudgeReply {
  const answers = [];
  for (const question of request.questions) {
    const reply = typeof script === 'string' ? script : script(question, request);
    if (reply === undefined) return { unjudged: `no reply to ${question.id}` };
    answers.push(answerTo(question, reply));
  }
  return { answers };
}
