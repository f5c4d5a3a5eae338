import type { JudgeReply, JudgeRequest } from '@thinkrl/checklist-reward';
import { Key } from '@thinkrl/spec';
import { examinee, truth } from './faulty-server.ts';

// of each picture
const QUESTIONS = 6;

/** One request for each of so many pictures. */
export function judgeRequests(count: number): readonly JudgeRequest[] {
  return Array.from({ length: count }, (_, index) => {
    const { task, image } = examinee(index, QUESTIONS);
    return { task, image, questions: task.checklist!.questions, key: Key.of(index) };
  });
}

/** Judgements that hold an answer that is not true, or to a question of another. */
export function wrongReplies(replies: readonly JudgeReply[]): number {
  return replies.filter(
    (reply, index) =>
      !('unjudged' in reply) &&
      (reply.answers.length !== QUESTIONS ||
        reply.answers.some(
          ({ questionId, reply: said }, number) =>
            questionId !== `${index}-${number}` || said !== truth(index, number),
        )),
  ).length;
}
