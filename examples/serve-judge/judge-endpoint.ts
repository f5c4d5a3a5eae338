import type { Judge } from '@thinkrl/checklist-reward';
import { readJudgePrompt } from '@thinkrl/checklist-reward/served';
import type { ReplyToken } from '@thinkrl/served';
import { BadRequestError, type ServerAnswer, type ServerRequest } from '@thinkrl/served/server';
import { type Answer, Key } from '@thinkrl/spec';

/**
 * A judge as the model behind a chat endpoint: its prompts are read back into questions, its probabilities become the
 * log-probabilities of yes and no. A picture it leaves unjudged is refused. Other prompts, such as a probe, get the word
 * yes or the smallest value of the schema.
 */
export function judgeEndpoint(judge: Judge): (request: ServerRequest) => Promise<ServerAnswer> {
  return async ({ messages, schema, seed = 0 }) => {
    const prompt = readJudgePrompt(messages);
    if (prompt === null) return schema === undefined ? word(1) : { text: JSON.stringify(smallest(schema)) };
    const { task, image, asJson } = prompt;
    const questions = prompt.questions.map((text, index) => ({
      id: `${index + 1}`,
      text,
      expected: 'yes' as const,
    }));
    const [reply] = await judge.answer([{ task, image, questions, key: Key.of(seed) }]);
    if (reply === undefined || 'unjudged' in reply) throw new BadRequestError(reply?.unjudged ?? 'no reply');
    return asJson
      ? { text: JSON.stringify({ answers: listed(reply.answers) }) }
      : word(certainty(reply.answers[0]!));
  };
}

function listed(answers: readonly Answer[]) {
  return answers.map(({ questionId, reply }) => ({ number: Number(questionId), answer: reply }));
}

function certainty({ reply, probabilityOfYes }: Answer): number {
  return probabilityOfYes ?? Number(reply === 'yes');
}

/** The likelier of yes and no, with the log-probabilities of both. */
function word(probabilityOfYes: number): ServerAnswer {
  const at = (token: string, probability: number) => ({
    token,
    logProb: Math.max(-9999, Math.log(probability)),
  });
  const top = [at('yes', probabilityOfYes), at('no', 1 - probabilityOfYes)].sort(
    (a, b) => b.logProb - a.logProb,
  );
  const token: ReplyToken = { ...top[0]!, top };
  return { text: token.token, tokens: [token] };
}

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

function smallest(schema: unknown): unknown {
  const { type, enum: choices, properties = {} } = schema as JsonSchema;
  if (choices !== undefined) return choices[0];
  if (type === 'object')
    return Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, smallest(inner)]));
  return { array: [], number: 0, integer: 0, boolean: false }[type ?? ''] ?? '';
}
