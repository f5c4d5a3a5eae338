import {
  answerTo,
  checklistScore,
  type Judge,
  type JudgeReply,
  type JudgeRequest,
} from '@thinkrl/checklist-reward';
import type { Answer, Image, Question } from '@thinkrl/spec';
import { questionFor } from './checklist.ts';
import { readPicture } from './decode.ts';
import { type Fact, factHolds } from './fact.ts';
import { keptConsistency, plainQuality } from './metrics.ts';
import { sameCells } from './scene.ts';
import type { MicroTask } from './task.ts';

/** A question that no checklist has: whether anything was done at all. Expects yes. */
export const EDITED_QUESTION: Question = questionFor({ kind: 'edited' }, 'yes');

/** {@link EDITED_QUESTION} turned round: expects no. */
export const UNEDITED_QUESTION: Question = questionFor({ kind: 'edited' }, 'no');

/** Settings of {@link exactJudge}. */
export interface ExactJudgeOptions {
  /** Whether a picture left as it was gets the wrong answer to every question; default false. */
  readonly refuseIdle?: boolean;
}

/**
 * The judge that knows: it reads each cell of the edited picture and answers from the facts behind the questions. A
 * question that is neither of the task's checklist nor {@link EDITED_QUESTION}, in either polarity, leaves the picture unjudged.
 *
 * @example
 * const [reply] = await exactJudge().answer([{ task, image, questions: task.checklist.questions, key }]);
 */
export function exactJudge(options: ExactJudgeOptions = {}): Judge<MicroTask> {
  const { refuseIdle = false } = options;
  return {
    name: refuseIdle ? 'microworld-exact-refuse-idle' : 'microworld-exact',
    version: '1',
    answer: async (requests) => requests.map((request) => judgePicture(request, refuseIdle)),
  };
}

function judgePicture(request: JudgeRequest<MicroTask>, refuseIdle: boolean): JudgeReply {
  const { task, image, questions } = request;
  const { cells } = readPicture(image, task.scene.background);
  const refused = refuseIdle && sameCells(cells, task.scene.cells);
  const answers: Answer[] = [];
  for (const question of questions) {
    const fact = factOf(task, question);
    if (fact === undefined) return { unjudged: `cannot answer the question ${question.id}` };
    const agrees = !refused && factHolds(fact, cells, task.scene.cells);
    answers.push(answerTo(question, agrees ? question.expected : opposite(question.expected)));
  }
  return { answers };
}

function factOf(task: MicroTask, question: Question): Fact | undefined {
  if (question.id === EDITED_QUESTION.id) return { kind: 'edited' };
  return task.checklist.questions.find(({ id }) => id === question.id)?.fact;
}

function opposite(reply: 'yes' | 'no'): 'yes' | 'no' {
  return reply === 'yes' ? 'no' : 'yes';
}

/** The exact scores of one picture, each in [0, 1], always from the whole checklist. */
export interface OracleScores extends Readonly<Record<string, number>> {
  /** Share of the checklist that agrees. */
  readonly instruction: number;
  /** 1 where the picture shows exactly what was asked for, else 0. */
  readonly strict: number;
  /** {@link keptConsistency}. */
  readonly consistency: number;
  /** {@link plainQuality}. */
  readonly quality: number;
  /** 1 where the picture shows the reference scene, else 0. */
  readonly idle: number;
}

/** Scores a picture by the truth, without noise; for evaluation and logs, never for training. */
export function oracleScores(task: MicroTask, image: Image): OracleScores {
  const reading = readPicture(image, task.scene.background);
  const { questions } = task.checklist;
  const answers = questions.map((question) => {
    const agrees = factHolds(question.fact, reading.cells, task.scene.cells);
    return answerTo(question, agrees ? question.expected : opposite(question.expected));
  });
  return {
    instruction: checklistScore(answers),
    strict: Number(answers.every((answer) => answer.agrees)),
    consistency: keptConsistency(task, image),
    quality: plainQuality(reading),
    idle: Number(sameCells(reading.cells, task.scene.cells)),
  };
}
