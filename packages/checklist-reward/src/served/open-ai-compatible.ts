import {
  type AskOptions,
  type ChatReply,
  probeServer,
  readJson,
  type ServedModel,
  ServedRequestError,
  type ServerCapabilities,
  UnreadableReplyError,
  yesMass,
} from '@thinkrl/served';
import type { Answer, Question } from '@thinkrl/spec';
import { z } from 'zod';
import type { Judge, JudgeReply, JudgeRequest } from '../judge.ts';
import { answerTo } from '../score.ts';
import { PROMPT_VERSION, questionPrompt, questionsPrompt } from './prompt.ts';
import { seedOf } from './seed.ts';

/** Settings of {@link openAiCompatible}. */
export interface OpenAiCompatibleOptions {
  readonly model: ServedModel;
  /** What the server can do; default: found out by asking it. */
  readonly capabilities?: ServerCapabilities;
  /** Further fields of every request, for example `{ chat_template_kwargs: { enable_thinking: false } }`. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
}

/** Below this share of probability on yes and no, the first token of a reply is no answer. */
const LEAST_MASS = 0.5;

/**
 * A vision and language model behind an OpenAI-compatible server as a judge. Where the server gives log-probabilities,
 * each question is one request for one token, and the answer carries P(yes) / (P(yes) + P(no)); elsewhere all questions
 * of a picture are one request for JSON, kept to a schema where the server can.
 *
 * A picture for which a question stays unanswered after every attempt is unjudged, with the reason. Only cancellation is
 * thrown by `answer`.
 *
 * @throws ServedRequestError when the server does not answer the probe.
 * @example
 * const judge = await openAiCompatible({ model: createServedModel({ baseURL, model: 'Qwen/Qwen2.5-VL-7B-Instruct' }) });
 */
export async function openAiCompatible(options: OpenAiCompatibleOptions): Promise<Judge> {
  const { model, signal, extra = {} } = options;
  const call = signal === undefined ? {} : { signal };
  const capabilities = options.capabilities ?? (await probeServer(model, call));
  const asker = { model, extra, schema: capabilities.jsonSchema };
  const answer = capabilities.yesNoLogProbs ? answerByToken : answerAsJson;
  return {
    name: model.name,
    version: `prompt ${PROMPT_VERSION} by ${capabilities.yesNoLogProbs ? 'log-probabilities' : 'JSON'}`,
    answer: (requests, options) =>
      Promise.all(requests.map((request) => settled(answer(asker, request, options ?? {})))),
  };
}

interface Asker {
  readonly model: ServedModel;
  readonly extra: Readonly<Record<string, unknown>>;
  readonly schema: boolean;
}

/** The reply, or why there is none. */
async function settled(answers: Promise<readonly Answer[]>): Promise<JudgeReply> {
  try {
    return { answers: await answers };
  } catch (error) {
    if (error instanceof ServedRequestError) return { unjudged: error.message };
    throw error;
  }
}

function answerByToken(
  { model, extra }: Asker,
  request: JudgeRequest,
  call: AskOptions,
): Promise<readonly Answer[]> {
  const ask = (question: Question) =>
    model.ask(
      {
        messages: questionPrompt(request, question.text),
        maxTokens: 1,
        temperature: 0,
        topLogProbs: 20,
        seed: seedOf(request.key, question.id),
        idempotent: true,
        extra,
      },
      (reply) => readToken(reply, question),
      call,
    );
  return Promise.all(request.questions.map(ask));
}

function readToken({ tokens }: ChatReply, question: Question): Answer {
  const first = tokens?.[0];
  if (first === undefined) throw new UnreadableReplyError('the reply has no log-probabilities');
  const { yes, no, sum } = yesMass(first);
  if (!(sum >= LEAST_MASS))
    throw new UnreadableReplyError(`only ${sum.toFixed(2)} of the probability is on yes and no`);
  return { ...answerTo(question, yes > no ? 'yes' : 'no'), probabilityOfYes: yes / sum };
}

const answersForm = z.object({
  answers: z.array(z.object({ number: z.number(), answer: z.enum(['yes', 'no']) })),
});

function answerAsJson(
  { model, extra, schema }: Asker,
  request: JudgeRequest,
  call: AskOptions,
): Promise<readonly Answer[]> {
  const { questions } = request;
  return model.ask(
    {
      messages: questionsPrompt(
        request,
        questions.map(({ text }) => text),
      ),
      maxTokens: 64 + 24 * questions.length,
      temperature: 0,
      seed: seedOf(request.key, 'answers'),
      idempotent: true,
      ...(schema && { schema: { name: 'answers', schema: answersForm } }),
      extra,
    },
    (reply) => readAnswers(reply, questions),
    call,
  );
}

/** Every question answered exactly once, in whatever order. */
function readAnswers(reply: ChatReply, questions: readonly Question[]): readonly Answer[] {
  const { answers } = readJson(reply, answersForm);
  const byNumber = new Map(answers.map(({ number, answer }) => [number, answer]));
  if (answers.length !== questions.length || byNumber.size !== questions.length)
    throw new UnreadableReplyError(`${answers.length} answers to ${questions.length} questions`);
  return questions.map((question, index) => {
    const answer = byNumber.get(index + 1);
    if (answer === undefined) throw new UnreadableReplyError(`no answer to question ${index + 1}`);
    return answerTo(question, answer);
  });
}
