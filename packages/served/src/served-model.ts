import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, type Image } from '@thinkrl/spec';
import { OpenAI } from 'openai';
import { type Failure, type RetryOptions, type RetryRule, waitBeforeRetry } from './attempt.ts';
import type { ChatReply, ChatRequest } from './chat.ts';
import { createDialect, type TokenLimitField } from './dialect.ts';
import { ServedRequestError, UnreadableReplyError } from './error.ts';
import { exchange, type Line } from './exchange.ts';
import { Gate } from './gate.ts';
import { pictureUrl } from './picture.ts';
import { type TokenPrice, type Usage, UsageMeter } from './usage.ts';

/** Settings of {@link createServedModel}. */
export interface ServedModelOptions {
  /** For example `http://localhost:8000/v1`. */
  readonly baseURL: string;
  /** The model's name as the server knows it. */
  readonly model: string;
  /** Name of the environment variable that holds the key; left out, no key is sent. */
  readonly keyVariable?: string;
  /** Requests on their way at once, those that wait before another attempt left out; default 8. */
  readonly concurrency?: number;
  /**
   * How the server calls the limit of tokens in a reply; default `max_tokens`, which every local server knows. A server
   * that refuses the one by naming the other is asked by the other from then on.
   */
  readonly tokenLimitField?: TokenLimitField;
  readonly retry?: RetryOptions;
  /** Longest time of one attempt, in ms; default 60 000. */
  readonly attemptLimit?: number;
  /** Longest time of one request over all attempts and waits, its time in the queue left out, in ms; default 300 000. */
  readonly timeLimit?: number;
  /** Pictures are shrunk to this many pixels on their longest side; default 1024. */
  readonly longestSide?: number;
  /** Price of a million tokens, for the accounting. */
  readonly price?: TokenPrice;
}

/** Options of one call. */
export interface AskOptions {
  /** Cancels the request; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A language and vision model behind an OpenAI-compatible server. */
export interface ServedModel {
  /** The model's name as the server knows it. */
  readonly name: string;
  /**
   * Asks and reads the reply with `read`. An attempt that is rate-limited, fails, hangs, is cut off, or whose reply
   * `read` refuses with `UnreadableReplyError`, is followed by another, after the server's Retry-After or a growing wait.
   *
   * @throws ServedRequestError when every attempt failed or the server refused the request.
   */
  ask<T>(request: ChatRequest, read: (reply: ChatReply) => T, options?: AskOptions): Promise<T>;
  /** What was used so far. */
  usage(): Usage;
}

/**
 * A served model, reached with the official client. The key never leaves the client: it is in no log and no error.
 *
 * @throws ConfigError for a setting that cannot work, or a key variable that is not set.
 * @example
 * const model = createServedModel({ baseURL: 'http://localhost:8000/v1', model: 'Qwen/Qwen2.5-VL-7B-Instruct' });
 * const word = await model.ask(request, (reply) => reply.text);
 */
export function createServedModel(options: ServedModelOptions): ServedModel {
  const meter = new UsageMeter(options.price);
  const server = connect(options);
  const gate = new Gate(server.concurrency);
  const dialect = createDialect(options.tokenLimitField);
  const settings = { ...server, meter, gate, dialect, rule: ruleOf(options) };
  return {
    name: options.model,
    ask: (request, read, call) => persist({ settings, request, read, signal: call?.signal }),
    usage: () => meter.snapshot(gate.idle),
  };
}

interface Connection extends Pick<Line, 'client' | 'model' | 'urlOf' | 'redact'> {
  readonly concurrency: number;
  readonly attemptLimit: number;
  readonly timeLimit: number;
}

interface Settings extends Connection, Line {
  readonly gate: Gate;
  readonly rule: RetryRule;
}

function connect(options: ServedModelOptions): Connection {
  const { baseURL, model, concurrency = 8, longestSide = 1024 } = options;
  const { attemptLimit = 60_000, timeLimit = 300_000 } = options;
  checkCounts({ concurrency, longestSide, attemptLimit, timeLimit });
  if (!URL.canParse(baseURL))
    throw new ConfigError({
      field: 'baseURL',
      value: baseURL,
      fix: 'use a URL such as http://localhost:8000/v1',
    });
  const key = keyFrom(options.keyVariable);
  const urls = new WeakMap<Image, string>();
  const urlOf = (image: Image) => {
    const url = urls.get(image) ?? pictureUrl(image, longestSide);
    urls.set(image, url);
    return url;
  };
  return {
    // Nothing else is taken from the environment; the client's own retries stop at the headers of a reply.
    client: new OpenAI({
      baseURL,
      apiKey: key ?? 'none',
      adminAPIKey: null,
      organization: null,
      project: null,
      logLevel: 'off',
      maxRetries: 0,
    }),
    model,
    urlOf,
    redact: (text) => (key === undefined ? text : text.replaceAll(key, '[key]')),
    concurrency,
    attemptLimit,
    timeLimit,
  };
}

function keyFrom(variable: string | undefined): string | undefined {
  if (variable === undefined) return undefined;
  const key = process.env[variable];
  if (!key)
    throw new ConfigError({ field: 'keyVariable', value: variable, fix: 'set this environment variable' });
  return key;
}

function ruleOf({ retry }: ServedModelOptions): RetryRule {
  const { attempts = 5, firstWait = 500, longestWait = 20_000 } = retry ?? {};
  checkCounts({ attempts });
  for (const [field, value] of Object.entries({ firstWait, longestWait }))
    if (!(value >= 0 && Number.isFinite(value)))
      throw new ConfigError({ field: `retry.${field}`, value, fix: 'use milliseconds, at least 0' });
  return { attempts, firstWait, longestWait };
}

function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [field, value] of Object.entries(counts))
    if (!Number.isInteger(value) || value < 1)
      throw new ConfigError({ field, value, fix: 'use a whole number of at least 1' });
}

interface Persistence<T> {
  readonly settings: Settings;
  readonly request: ChatRequest;
  readonly read: (reply: ChatReply) => T;
  readonly signal: AbortSignal | undefined;
}

/** Attempts until one gives a reply that can be read; waits hold no place at the gate, and who waited goes first. */
async function persist<T>({ settings, request, read, signal }: Persistence<T>): Promise<T> {
  const { meter, gate, rule, attemptLimit, timeLimit } = settings;
  meter.add('requests');
  if (signal !== undefined) setMaxListeners(0, signal); // as many listeners as there are requests, all removed
  let left = timeLimit;
  let useless = 0;
  for (let attempts = 1; ; attempts++) {
    const limit = Math.min(attemptLimit, left);
    const attempt = () => exchange(settings, { request, useless, limit, signal });
    const { result, spent } = await gate.pass(attempt, { returning: attempts > 1, signal });
    left -= spent;
    const verdict = 'reply' in result ? readReply(result.reply, read) : result;
    if ('value' in verdict) return verdict.value;
    const { failure } = verdict;
    meter.failure(failure.reason);
    useless += Number(failure.reason === 'unreadable' || failure.reason === 'malformed');
    const wait = waitBeforeRetry(failure, attempts, rule);
    if (wait === null || wait >= left) {
      meter.add('failed');
      throw new ServedRequestError({ ...failure, attempts });
    }
    meter.add('waited', wait);
    left -= wait;
    await sleep(wait, undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
}

function readReply<T>(
  reply: ChatReply,
  read: (reply: ChatReply) => T,
): { readonly value: T } | { readonly failure: Failure } {
  try {
    return { value: read(reply) };
  } catch (error) {
    if (error instanceof UnreadableReplyError)
      return { failure: { reason: 'unreadable', detail: error.problem } };
    throw error;
  }
}
