import type { Judge } from '@thinkrl/checklist-reward';
import { EDITED_QUESTION, exactJudge, type MicroTask, UNEDITED_QUESTION } from '@thinkrl/microworld';
import type { Answer } from '@thinkrl/spec';

/** Settings of {@link microJudge}. */
export interface MicroJudgeOptions {
  /** The tasks it can be asked about; told apart by their instruction and reference picture. */
  readonly tasks: readonly MicroTask[];
  /** Probability it gives to what it holds true, as a model that errs now and then would. */
  readonly certainty: number;
}

/**
 * The micro-world's exact judge for requests from afar, which have pictures of 8 bits and no truth attached: the task is
 * found by what the request shows of it, the question by its text.
 */
export function microJudge({ tasks, certainty }: MicroJudgeOptions): Judge {
  const exact = exactJudge();
  const known = new Map(tasks.map((task) => [signature(task), task]));
  return {
    name: exact.name,
    version: exact.version,
    async answer(requests) {
      return Promise.all(
        requests.map(async (request) => {
          const task = known.get(signature(request.task));
          if (task === undefined) return { unjudged: 'a task it does not know' };
          const asked = [...task.checklist.questions, EDITED_QUESTION, UNEDITED_QUESTION];
          const questions = request.questions.map(({ text }) => asked.find((own) => own.text === text));
          if (!questions.every((question) => question !== undefined))
            return { unjudged: 'a question it does not know' };
          const [reply] = await exact.answer([{ ...request, task, questions }]);
          if (reply === undefined || 'unjudged' in reply) return { unjudged: reply?.unjudged ?? 'no reply' };
          return {
            answers: reply.answers.map((answer, index) =>
              sure({ ...answer, questionId: request.questions[index]!.id }, certainty),
            ),
          };
        }),
      );
    },
  };
}

function sure(answer: Answer, certainty: number): Answer {
  return { ...answer, probabilityOfYes: answer.reply === 'yes' ? certainty : 1 - certainty };
}

function signature({ instruction, references }: Pick<MicroTask, 'instruction' | 'references'>): string {
  const bytes = references.flatMap(({ data }) => Array.from(data, (value) => Math.round(value * 255)));
  return `${instruction} ${bytes.join()}`;
}
