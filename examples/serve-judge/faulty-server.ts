import { readJudgePrompt } from '@thinkrl/checklist-reward/served';
import {
  BadRequestError,
  type ChatServer,
  type Fault,
  type ServerAnswer,
  type ServerRequest,
  startChatServer,
} from '@thinkrl/served/server';
import { type EditTask, type Image, Key } from '@thinkrl/spec';

/** The ways to fail, each met by `rate` of the requests; `count` drops one of the answers. */
const kinds = ['rate-limit', 'error', 'stall', 'cut', 'malformed', 'half', 'count'] as const;

/** Settings of {@link startFaultyServer}. */
export interface FaultyServerOptions {
  /** Share of requests that meet each fault. */
  readonly rate: number;
  /** Time that a right answer takes, in ms. */
  readonly latency: number;
  readonly seed: number;
  /**
   * Answers remembered by idempotency key; default 0: every attempt costs its time, also where the answer was made
   * before it was spoilt.
   */
  readonly remember?: number;
  /** Is told which judgement is asked for, whenever the model behind the server is asked. */
  readonly onAsked?: (index: number) => void;
}

/** What {@link examinee} holds for true of question `number` about the picture of judgement `index`. */
export function truth(index: number, number: number): 'yes' | 'no' {
  return Key.of(index).fold(number).stream().uniform() < 0.5 ? 'yes' : 'no';
}

/** A task and picture that tell their index to the server, with `count` questions. */
export function examinee(index: number, count: number): { readonly task: EditTask; readonly image: Image } {
  const picture = (value: number) => ({
    width: 16,
    height: 16,
    data: new Float32Array(16 * 16 * 3).fill(value),
  });
  const questions = Array.from({ length: count }, (_, number) => ({
    id: `${index}-${number}`,
    text: `Is fact ${number} of ${index} shown?`,
    expected: 'yes' as const,
  }));
  const checklist = { source: 'examinee', questions };
  const task = {
    id: `${index}`,
    references: [picture(0)],
    instruction: `edit ${index}`,
    category: 'test',
    checklist,
  };
  return { task, image: picture((index % 256) / 255) };
}

/** A judge's endpoint that fails on purpose, by the seed and the position of the request alone. */
export async function startFaultyServer(options: FaultyServerOptions): Promise<ChatServer> {
  const { rate, latency, seed, remember = 0, onAsked = () => {} } = options;
  const faultOf = (index: number) =>
    kinds[Math.floor(Key.of(seed).fold(index).stream().uniform() / Math.max(rate, 1e-9))];
  return startChatServer({
    model: 'faulty',
    remember,
    answer: async (request, index) => {
      await new Promise((resolve) => setTimeout(resolve, latency));
      return answer(request, faultOf(index) === 'count', onAsked);
    },
    fault: (index) => asFault(faultOf(index)),
  });
}

function asFault(kind: (typeof kinds)[number] | undefined): Fault | undefined {
  if (kind === 'rate-limit') return { kind, seconds: 0.2 };
  return kind === undefined || kind === 'count' ? undefined : { kind };
}

function answer(
  { messages, topLogProbs }: ServerRequest,
  short: boolean,
  onAsked: (index: number) => void,
): ServerAnswer {
  const prompt = readJudgePrompt(messages);
  if (prompt === null) throw new BadRequestError('no judge prompt');
  const replies = prompt.questions.map((text) => {
    const [number, index] = text.match(/\d+/g)!.map(Number);
    if (prompt.image.data[0] !== Math.fround((index! % 256) / 255))
      throw new BadRequestError('another picture');
    return { index: index!, reply: truth(index!, number!) };
  });
  onAsked(replies[0]!.index);
  if (!prompt.asJson) {
    const token = { token: replies[0]!.reply, logProb: 0 };
    return {
      text: token.token,
      ...(topLogProbs !== undefined && !short && { tokens: [{ ...token, top: [token] }] }),
    };
  }
  const answers = replies.map(({ reply }, index) => ({ number: index + 1, answer: reply }));
  return { text: JSON.stringify({ answers: short ? answers.slice(1) : answers }) };
}
