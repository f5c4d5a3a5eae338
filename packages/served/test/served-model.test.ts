import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as streamText } from 'node:stream/consumers';
import { ConfigError } from '@thinkrl/spec';
import { encode } from 'fast-png';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createServedModel,
  probeServer,
  type ServedModelOptions,
  ServedRequestError,
  UnreadableReplyError,
} from '../src/index.ts';
import {
  BadRequestError,
  type ChatServer,
  type ChatServerOptions,
  startChatServer,
} from '../src/server/index.ts';

const servers: ChatServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

async function serve(options: Partial<ChatServerOptions>): Promise<ChatServer> {
  const server = await startChatServer({ model: 'm', answer: () => ({ text: 'hello' }), ...options });
  servers.push(server);
  return server;
}

const fast = { attempts: 3, firstWait: 1, longestWait: 2 };
const modelAt = (server: ChatServer, options: Partial<ServedModelOptions> = {}) =>
  createServedModel({ baseURL: server.url, model: 'm', retry: fast, ...options });
const request = { messages: [{ role: 'user' as const, content: ['hi'] }], maxTokens: 5, temperature: 0 };
const text = (reply: { readonly text: string }) => reply.text;

describe('createServedModel', () => {
  it.each([
    [{ kind: 'rate-limit', seconds: 0 }, 'rate-limited'],
    [{ kind: 'error' }, 'server-error'],
    [{ kind: 'stall' }, 'timeout'],
    [{ kind: 'cut' }, 'connection'],
    [{ kind: 'malformed' }, 'malformed'],
  ] as const)('asks again after %o', async (fault, reason) => {
    const server = await serve({ fault: (index) => (index < 2 ? fault : undefined) });
    const model = modelAt(server, fault.kind === 'stall' ? { attemptLimit: 500 } : {});
    expect(await model.ask(request, text)).toBe('hello');
    expect(model.usage()).toMatchObject({ requests: 1, attempts: 3, failed: 0, failures: { [reason]: 2 } });
  });

  it('gives up after its attempts and says why', async () => {
    const model = modelAt(await serve({ fault: () => ({ kind: 'error' }) }));
    const failure = model.ask(request, text);
    await expect(failure).rejects.toThrow(ServedRequestError);
    await expect(failure).rejects.toMatchObject({ reason: 'server-error', attempts: 3, status: 500 });
    expect(model.usage()).toMatchObject({ attempts: 3, failed: 1 });
  });

  it('waits as long as the server says, and no longer than the time limit', async () => {
    const fault = (index: number) =>
      index === 0 ? ({ kind: 'rate-limit', seconds: 1 } as const) : undefined;
    const patient = modelAt(await serve({ fault }));
    const start = performance.now();
    await patient.ask(request, text);
    expect(performance.now() - start).toBeGreaterThan(990);
    expect(patient.usage().waited).toBe(1000);
    const hasty = modelAt(await serve({ fault }), { timeLimit: 900 });
    await expect(hasty.ask(request, text)).rejects.toMatchObject({ reason: 'rate-limited', attempts: 1 });
  });

  it('does not ask again what the server refuses', async () => {
    const answer = () => {
      throw new BadRequestError('no such field');
    };
    const model = modelAt(await serve({ answer }));
    await expect(model.ask(request, text)).rejects.toMatchObject({
      reason: 'refused',
      status: 400,
      attempts: 1,
    });
  });

  it('asks again where the reader refuses the reply, and passes on what else it throws', async () => {
    let replies = 0;
    const model = modelAt(await serve({ answer: () => ({ text: `${replies++}` }) }));
    const read = (reply: { readonly text: string }) => {
      if (reply.text === '0') throw new UnreadableReplyError('zero');
      return reply.text;
    };
    expect(await model.ask(request, read)).toBe('1');
    const bug = model.ask(request, () => {
      throw new TypeError('bug');
    });
    await expect(bug).rejects.toThrow(TypeError);
  });

  it('keeps to its concurrency', async () => {
    let open = 0;
    let most = 0;
    const answer = async () => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 5));
      open--;
      return { text: 'x' };
    };
    const model = modelAt(await serve({ answer }), { concurrency: 3 });
    await Promise.all(Array.from({ length: 12 }, () => model.ask(request, text)));
    expect(most).toBe(3);
  });

  it('cancels requests on their way, waiting and in the queue', async () => {
    const server = await serve({
      fault: (index) => (index === 0 ? { kind: 'stall' } : { kind: 'rate-limit', seconds: 30 }),
    });
    const model = modelAt(server, { concurrency: 1, attemptLimit: 100 });
    const abort = new AbortController();
    const asked = [0, 1, 2].map(() => model.ask(request, text, { signal: abort.signal }));
    setTimeout(() => abort.abort(new Error('enough')), 200);
    for (const result of await Promise.allSettled(asked))
      expect(result).toMatchObject({ status: 'rejected', reason: { message: 'enough' } });
  });

  it('lets who waited go before who has not begun', async () => {
    const order: string[] = [];
    const answer: ChatServerOptions['answer'] = ({ messages }) => {
      order.push(`${messages[0]!.content}`);
      return { text: 'x' };
    };
    const fault = (index: number) => (index === 0 ? ({ kind: 'error' } as const) : undefined);
    const retry = { attempts: 2, firstWait: 0 };
    const model = modelAt(await serve({ answer, fault }), { concurrency: 1, retry });
    const ask = (word: string) =>
      model.ask({ ...request, messages: [{ role: 'user', content: [word] }] }, text);
    await Promise.all(['a', 'b', 'c', 'd'].map(ask));
    // While a waits, one other has its turn.
    expect(order).toEqual(['a', 'b', 'a', 'c', 'd']);
  });

  it('is answered once by a server that heeds the idempotency key, also by another client', async () => {
    let asked = 0;
    const answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { text: `${++asked}` };
    };
    const server = await serve({ answer, fault: (index) => (index === 0 ? { kind: 'cut' } : undefined) });
    const same = { ...request, idempotent: true };
    const first = modelAt(server);
    expect(await Promise.all([first.ask(same, text), first.ask(same, text)])).toEqual(['1', '1']);
    expect(await modelAt(server).ask(same, text)).toBe('1');
    expect(await modelAt(server).ask(request, text)).toBe('2');
    expect(await first.ask({ ...same, seed: 1 }, text)).toBe('3');
    const read = (reply: { readonly text: string }) => {
      if (reply.text !== '4') throw new UnreadableReplyError('not four');
      return reply.text;
    };
    expect(await first.ask(same, read)).toBe('4');
  });

  it('learns what the server calls the limit of tokens, for all that is on its way', async () => {
    const fields: string[] = [];
    const server = createServer(async (incoming, response) => {
      const body = JSON.parse(await streamText(incoming));
      fields.push(Object.keys(body).find((name) => name.startsWith('max'))!);
      const [status, reply] =
        body.max_tokens === undefined
          ? [200, { choices: [{ message: { content: 'ok' }, finish_reason: 'stop' }] }]
          : [
              400,
              { error: { message: "'max_tokens' is not supported. Use 'max_completion_tokens' instead." } },
            ];
      response.writeHead(status as number, { 'content-type': 'application/json' });
      response.end(JSON.stringify(reply));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push({ url: '', close: async () => void server.close().closeAllConnections() });
    const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const model = createServedModel({ baseURL, model: 'm', retry: fast });
    expect(await Promise.all([model.ask(request, text), model.ask(request, text)])).toEqual(['ok', 'ok']);
    expect(fields.sort()).toEqual([
      ...Array(2).fill('max_completion_tokens'),
      ...Array(2).fill('max_tokens'),
    ]);
    await model.ask(request, text);
    expect(model.usage()).toMatchObject({ attempts: 5, failures: { 'other-dialect': 2 } });
  });

  it('takes many requests that share a signal, without a warning', async () => {
    const warnings: string[] = [];
    const listen = ({ message }: Error) => void warnings.push(message);
    process.on('warning', listen);
    const server = await serve({ fault: (index) => (index < 20 ? { kind: 'error' } : undefined) });
    const model = modelAt(server, { retry: { ...fast, attempts: 21 } });
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 30 }, () => model.ask(request, text, { signal })));
    await new Promise((resolve) => setTimeout(resolve, 0));
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });

  it('keeps the key out of errors, even where the server repeats it', async () => {
    process.env.SERVED_TEST_KEY = 'sk-very-secret';
    const answer = () => {
      throw new BadRequestError('wrong key sk-very-secret');
    };
    const model = modelAt(await serve({ answer }), { keyVariable: 'SERVED_TEST_KEY' });
    const error = await model.ask(request, text).catch((reason: unknown) => reason);
    expect((error as Error).message).toContain('wrong key [key]');
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('secret');
    expect((error as Error).cause).toBeUndefined();
    expect(JSON.stringify(model)).not.toContain('secret');
    delete process.env.SERVED_TEST_KEY;
  });

  it('brings the files of pictures to the server as they are, but for PNGs, which it decodes', async () => {
    const seen: unknown[] = [];
    const server = await serve({
      answer: ({ messages }) => {
        seen.push(...messages[0]!.content.slice(1));
        return { text: 'hello' };
      },
    });
    const jpeg = { mediaType: 'image/jpeg', bytes: Uint8Array.of(255, 216, 255, 0) };
    const png = encode({ width: 1, height: 1, data: Uint8Array.of(255, 0, 51), channels: 3, depth: 8 });
    const content = ['look', jpeg, { mediaType: 'image/png', bytes: png }];
    await modelAt(server).ask({ messages: [{ role: 'user', content }], maxTokens: 5 }, text);
    expect(seen).toEqual([
      { mediaType: 'image/jpeg', bytes: Buffer.from(jpeg.bytes) },
      { width: 1, height: 1, data: Float32Array.of(1, 0, 0.2) },
    ]);
  });

  it('counts tokens and cost', async () => {
    const model = modelAt(await serve({ answer: () => ({ text: 'one two three' }) }), {
      price: { prompt: 1, completion: 2e6 },
    });
    await model.ask(request, text);
    expect(model.usage()).toMatchObject({ completionTokens: 3, cost: 6 });
  });

  it('refuses settings that cannot work', () => {
    const make = (options: Partial<ServedModelOptions>) => () =>
      createServedModel({ baseURL: 'http://localhost/v1', model: 'm', ...options });
    expect(make({ concurrency: 0 })).toThrow(ConfigError);
    expect(make({ baseURL: 'localhost' })).toThrow('baseURL');
    expect(make({ keyVariable: 'SERVED_NO_SUCH_KEY' })).toThrow('set this environment variable');
    expect(make({ retry: { firstWait: -1 } })).toThrow('retry.firstWait');
  });
});

describe('probeServer', () => {
  const top = [
    { token: ' Yes', logProb: Math.log(0.6) },
    { token: 'no', logProb: Math.log(0.1) },
  ];

  it('finds what a server does', async () => {
    const answer: ChatServerOptions['answer'] = ({ schema }) =>
      schema === undefined
        ? { text: 'Yes', tokens: [{ ...top[0]!, top }] }
        : { text: '{"greeting":"good-morning"}' };
    expect(await probeServer(modelAt(await serve({ answer })))).toEqual({
      logProbs: true,
      yesNoLogProbs: true,
      jsonSchema: true,
    });
  });

  it('finds a first token that is no answer', async () => {
    const thought = { token: '<think>', logProb: 0 };
    const answer = () => ({ text: '<think>', tokens: [{ ...thought, top: [thought] }] });
    expect(await probeServer(modelAt(await serve({ answer })))).toEqual({
      logProbs: true,
      yesNoLogProbs: false,
      jsonSchema: false,
    });
  });

  it('takes a refused field for a lack, and a server that refuses everything for broken', async () => {
    const answer: ChatServerOptions['answer'] = ({ schema, topLogProbs }) => {
      if (schema !== undefined || topLogProbs !== undefined) throw new BadRequestError('unknown field');
      return { text: 'yes' };
    };
    const none = { logProbs: false, yesNoLogProbs: false, jsonSchema: false };
    expect(await probeServer(modelAt(await serve({ answer })))).toEqual(none);
    const broken = await serve({
      answer: () => {
        throw new BadRequestError('no');
      },
    });
    await expect(probeServer(modelAt(broken))).rejects.toMatchObject({ reason: 'refused' });
  });
});
