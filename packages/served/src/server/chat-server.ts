import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ReplyToken } from '../chat.ts';
import { type Fault, misbehave } from './fault.ts';
import { BadRequestError, readCompletionRequest } from './read-request.ts';
import { createReplyMemory, type ReplyMemory } from './reply-memory.ts';
import type { ServerAnswer } from './server-answer.ts';
import type { ServerRequest } from './server-request.ts';

/** Settings of {@link startChatServer}. */
export interface ChatServerOptions {
  /** Name of the model in replies. */
  readonly model: string;
  /**
   * Answers the n-th request, from 0; what it throws becomes a status 500, `BadRequestError` a 400. Not called for a
   * request whose `Idempotency-Key` has been answered or is being answered: that answer is given again.
   */
  readonly answer: (request: ServerRequest, index: number) => ServerAnswer | Promise<ServerAnswer>;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Default `127.0.0.1`: nobody else reaches it. */
  readonly host?: string;
  /** Answers remembered by `Idempotency-Key`; default 10 000, the oldest are forgotten first. */
  readonly remember?: number;
  /** For tests of clients: how to treat the n-th request wrongly, from 0; undefined treats it well. */
  readonly fault?: (index: number) => Fault | undefined;
}

/** A running server. */
export interface ChatServer {
  /** What a client takes as its base URL. */
  readonly url: string;
  /** Stops listening and drops what is still open. */
  close(): Promise<void>;
}

/**
 * Starts an OpenAI-compatible endpoint, `POST /v1/chat/completions`, in front of any function: messages with pictures
 * as PNG data URLs, log-probabilities, JSON schema; no streaming.
 *
 * @example
 * const server = await startChatServer({ model: 'echo', answer: () => ({ text: 'yes' }) });
 */
export async function startChatServer(options: ChatServerOptions): Promise<ChatServer> {
  const { port = 0, host = '127.0.0.1', remember = 10_000 } = options;
  const memory = createReplyMemory(remember);
  let index = 0;
  const server = createServer(
    (incoming, response) => void respond({ incoming, response, options, memory, index: index++ }),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return { url: `http://${host}:${bound}/v1`, close: () => closeServer(server) };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly options: ChatServerOptions;
  readonly memory: ReplyMemory;
  readonly index: number;
}

async function respond({ incoming, response, options, memory, index }: Exchange): Promise<void> {
  try {
    if (incoming.method !== 'POST' || incoming.url !== '/v1/chat/completions') {
      send(response, 404, { error: { message: `no ${incoming.method} ${incoming.url}` } });
      return;
    }
    const request = await readCompletionRequest(incoming);
    const key = incoming.headers['idempotency-key'];
    const answer = await memory.answer(typeof key === 'string' ? key : undefined, () =>
      options.answer(request, index),
    );
    const body = completion(options.model, request, answer);
    const fault = options.fault?.(index);
    if (fault === undefined) send(response, 200, body);
    else misbehave(response, fault, body);
  } catch (error) {
    const status = error instanceof BadRequestError ? 400 : 500;
    send(response, status, { error: { message: error instanceof Error ? error.message : 'failed' } });
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function completion(model: string, { topLogProbs }: ServerRequest, { text, tokens }: ServerAnswer) {
  const listed = topLogProbs === undefined || tokens === undefined ? undefined : tokens;
  const words = text.split(/\s+/).length;
  return {
    id: 'chatcmpl-0',
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: text },
        finish_reason: 'stop',
        logprobs:
          listed === undefined ? null : { content: listed.map((token) => tokenBody(token, topLogProbs!)) },
      },
    ],
    usage: {
      prompt_tokens: 0,
      completion_tokens: tokens?.length ?? words,
      total_tokens: tokens?.length ?? words,
    },
  };
}

function tokenBody({ token, logProb, top }: ReplyToken, wanted: number) {
  const body = (text: string, logprob: number) => ({ token: text, logprob, bytes: [...Buffer.from(text)] });
  return {
    ...body(token, logProb),
    top_logprobs: top.slice(0, wanted).map((other) => body(other.token, other.logProb)),
  };
}
