import { createHash } from 'node:crypto';
import type { Image } from '@thinkrl/spec';
import type { OpenAI } from 'openai';
import { type Failure, failureOf } from './attempt.ts';
import type { ChatReply, ChatRequest } from './chat.ts';
import type { Dialect } from './dialect.ts';
import type { UsageMeter } from './usage.ts';
import { fromWire, toWire } from './wire.ts';

/** What leads to a server. */
export interface Line {
  readonly client: OpenAI;
  readonly model: string;
  readonly urlOf: (image: Image) => string;
  /** Replaces secrets in what the server said. */
  readonly redact: (text: string) => string;
  readonly dialect: Dialect;
  readonly meter: UsageMeter;
}

/** One attempt at a request. */
export interface Attempt {
  readonly request: ChatRequest;
  /** Replies to this request that came and were of no use. */
  readonly useless: number;
  /** Its longest time, in ms. */
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
}

/** How an attempt ended. */
export interface Outcome {
  readonly result: { readonly reply: ChatReply } | { readonly failure: Failure };
  /** How long it took, in ms. */
  readonly spent: number;
}

/** One call to the server; only cancellation is thrown. */
export async function exchange(line: Line, attempt: Attempt): Promise<Outcome> {
  const { client, meter, redact, dialect } = line;
  const { request, useless, limit, signal } = attempt;
  const start = performance.now();
  const outcome = (result: Outcome['result']) => ({ result, spent: performance.now() - start });
  const { tokenLimitField } = dialect;
  const params = toWire(request, { ...line, tokenLimitField });
  const clock = new AbortController();
  const timer = setTimeout(() => clock.abort(), limit);
  meter.add('attempts');
  try {
    const body = await client.chat.completions.create(params, {
      signal: signal === undefined ? clock.signal : AbortSignal.any([signal, clock.signal]),
      ...(request.idempotent && { headers: { 'Idempotency-Key': idempotencyKey(params, useless) } }),
    });
    const read = fromWire(body);
    if (read === null)
      return outcome({ failure: { reason: 'malformed', detail: 'the reply is no chat completion' } });
    meter.tokens(read.count);
    return outcome({ reply: read.reply });
  } catch (error) {
    signal?.throwIfAborted();
    const failure = failureOf(error, { timedOut: clock.signal.aborted, redact });
    return outcome({ failure: dialect.learn(failure, tokenLimitField) });
  } finally {
    clearTimeout(timer);
  }
}

/** Equal for equal requests, another one once a reply to it was of no use. */
function idempotencyKey(params: object, useless: number): string {
  const hash = createHash('sha256').update(JSON.stringify(params));
  return `${hash.digest('hex').slice(0, 40)}-${useless}`;
}
