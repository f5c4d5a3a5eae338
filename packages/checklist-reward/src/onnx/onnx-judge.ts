import type { Feeds, Network } from '@thinkrl/onnx';
import type { EditTask, Question } from '@thinkrl/spec';
import type { Judge, JudgeReply, JudgeRequest } from '../judge.ts';
import { answerTo } from '../score.ts';
import { atOnce, signalOf } from './at-once.ts';

/** Runs the network of a judge once, with the call's signal. */
export type RunNetwork = (feeds: Feeds, outputs?: readonly string[]) => Promise<Feeds>;

/** P(yes) of one question about a picture that has been looked at; undefined where it cannot be told. */
export type Answering = (question: Question) => number | undefined | Promise<number | undefined>;

/** Settings of {@link onnxJudge}. */
export interface OnnxJudgeOptions<Task extends EditTask = EditTask> {
  readonly network: Network;
  /** For example the file name of the model; its fingerprint becomes the version. */
  readonly name: string;
  /**
   * Looks at one picture and gives what answers its questions. A classifier runs the network here, once; a network that
   * reads the question runs it in the function that is given.
   */
  readonly look: (request: JudgeRequest<Task>, run: RunNetwork) => Promise<Answering> | Answering;
}

/**
 * Any network as a judge: a classifier, a detector, a network for visual questions. As many pictures are looked at at
 * once as the network has workers.
 *
 * A question whose probability is undefined or no number leaves the picture unjudged. What the network refuses is thrown:
 * it is fed the wrong way, which no picture explains.
 *
 * @example
 * const judge = onnxJudge({
 *   network, name: 'cats',
 *   async look({ image }, run) {
 *     const { cat } = await run({ picture: pictureTensor(image, { width: 224, height: 224 }) });
 *     return ({ id }) => (id === 'cat' ? Number(cat!.data[0]) : undefined);
 *   },
 * });
 */
export function onnxJudge<Task extends EditTask>(options: OnnxJudgeOptions<Task>): Judge<Task> {
  const { network, name, look } = options;
  return {
    name,
    version: network.fingerprint,
    answer: atOnce(network.workers, async (request: JudgeRequest<Task>, call) => {
      const run: RunNetwork = (feeds, outputs) =>
        network.run(feeds, { ...signalOf(call), ...(outputs && { outputs }) });
      return replyOf(request.questions, await look(request, run));
    }),
  };
}

/** The reply that answers every question, or why there is none. */
export async function replyOf(questions: readonly Question[], answering: Answering): Promise<JudgeReply> {
  const answers = [];
  for (const question of questions) {
    const probabilityOfYes = await answering(question);
    if (probabilityOfYes === undefined || !(probabilityOfYes >= 0 && probabilityOfYes <= 1))
      return { unjudged: `cannot answer the question ${question.id}` };
    answers.push({ ...answerTo(question, probabilityOfYes > 0.5 ? 'yes' : 'no'), probabilityOfYes });
  }
  return { answers };
}
