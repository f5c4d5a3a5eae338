import { z } from 'zod';
import type { ChatReply, ChatRequest } from './chat.ts';
import { ServedRequestError } from './error.ts';
import { readJson } from './json-reply.ts';
import type { AskOptions, ServedModel } from './served-model.ts';
import { yesMass } from './yes-no.ts';

/** What a server was found to do. */
export interface ServerCapabilities {
  /** It gives the log-probabilities of the tokens of a reply. */
  readonly logProbs: boolean;
  /** Asked for yes or no, it puts that word first and gives the probabilities of both: P(yes) can be read. */
  readonly yesNoLogProbs: boolean;
  /** It keeps a reply to a JSON schema. */
  readonly jsonSchema: boolean;
}

/**
 * Finds out what a server can do, with two short requests: one for the word yes with log-probabilities, one that asks
 * for no JSON at all under a JSON schema. A server that refuses a field, or leaves it out of account, lacks it.
 *
 * @throws ServedRequestError when the server cannot be reached, or refuses plain requests as well.
 */
export async function probeServer(model: ServedModel, options?: AskOptions): Promise<ServerCapabilities> {
  const tokens = await tolerated(
    model.ask(yesRequest, (reply) => reply.tokens, options),
    null,
  );
  const jsonSchema = await tolerated(model.ask(greeting, isKept, options), false);
  if (tokens === null && !jsonSchema) await model.ask(plain, () => null, options);
  const first = tokens?.[0];
  return {
    logProbs: first !== undefined,
    yesNoLogProbs: first !== undefined && yesMass(first).sum >= 0.5,
    jsonSchema,
  };
}

const say = (text: string) => [{ role: 'user' as const, content: [text] }];
const plain: ChatRequest = { messages: say('Say yes.'), maxTokens: 1, temperature: 0 };
const yesRequest: ChatRequest = {
  messages: say('Is five greater than three? Answer with one word, yes or no.'),
  maxTokens: 1,
  temperature: 0,
  topLogProbs: 20,
};
const greetingForm = z.strictObject({ greeting: z.enum(['good-morning', 'good-evening']) });
const greeting: ChatRequest = {
  messages: say('Say hello.'),
  maxTokens: 64,
  temperature: 0,
  schema: { name: 'greeting', schema: greetingForm },
};

function isKept(reply: ChatReply): boolean {
  try {
    readJson(reply, greetingForm);
    return true;
  } catch {
    return false;
  }
}

/** The answer, or `without` where the server refused the request as a bad one. */
async function tolerated<T>(answer: Promise<T>, without: T): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const bad = error instanceof ServedRequestError && (error.status === 400 || error.status === 422);
    if (bad || (error instanceof ServedRequestError && error.status === 501)) return without;
    throw error;
  }
}
