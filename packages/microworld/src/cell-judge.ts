import type { CallOptions, Judge } from '@thinkrl/checklist-reward';
import type { Answer, Image } from '@thinkrl/spec';
import { readPicture } from './decode.ts';
import { answersFrom, EDITED_QUESTION, type ExactJudgeOptions } from './exact-judge.ts';
import type { Cells } from './scene.ts';
import type { MicroTask } from './task.ts';

/** Sees what is in the 16 cells of each picture, by whatever means; `SPOILT` for nothing that is known. */
export type CellReader = (images: readonly Image[], call?: CallOptions) => Promise<readonly Cells[]>;

/** Settings of {@link cellJudge}. */
export interface CellJudgeOptions extends ExactJudgeOptions {
  readonly name: string;
  readonly version: string;
  readonly read: CellReader;
}

/**
 * A judge that answers from what a reader sees, where the exact judge answers from what is there: for learned readers,
 * whose mistakes are then the judge's.
 *
 * @example
 * const judge = cellJudge({ name: 'perception', version: network.fingerprint, read: perceptionReader(network) });
 */
export function cellJudge({ name, version, read, refuseIdle = false }: CellJudgeOptions): Judge<MicroTask> {
  return {
    name: refuseIdle ? `${name}-refuse-idle` : name,
    version,
    async answer(requests, call) {
      const seen = await read(
        requests.map(({ image }) => image),
        call,
      );
      return requests.map((request, index) => answersFrom(seen[index]!, request, refuseIdle));
    },
  };
}

/** Share of answers about a picture that the exact judge would not give; 0 without answers. */
export function exactDisagreement(
  { task, image }: { readonly task: MicroTask; readonly image: Image },
  answers: readonly Answer[],
  refuseIdle: boolean,
): number {
  const asked = new Map(answers.map(({ questionId, agrees }) => [questionId, agrees]));
  const questions = [EDITED_QUESTION, ...task.checklist.questions].filter(({ id }) => asked.has(id));
  const truth = answersFrom(readPicture(image, task.scene.background).cells, { task, questions }, refuseIdle);
  if ('unjudged' in truth || questions.length === 0) return 0;
  return (
    truth.answers.filter(({ questionId, agrees }) => asked.get(questionId) !== agrees).length /
    questions.length
  );
}
