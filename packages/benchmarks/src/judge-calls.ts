import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import type { BenchmarkJudge, JudgeReply, JudgeRequest } from './judge.ts';
import { type CallPart, callKey, type JudgeCall } from './judge-call.ts';
import { encodePicture, fileHash } from './picture.ts';
import type { PromptBook } from './prompt-book.ts';
import type { ReplyStore } from './reply-store.ts';

/** Settings of {@link judgeCalls}. */
export interface JudgeCallsOptions {
  readonly judge: BenchmarkJudge;
  readonly prompts: PromptBook;
  readonly store: ReplyStore;
  /** Calls under way at once. */
  readonly concurrency: number;
  /** Whether a stored reply is worth keeping; others are asked again. Default: all are. */
  readonly keeps?: (call: JudgeCall, reply: JudgeReply) => boolean;
  readonly onReply?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks a judge every call that the store has no reply to, and stores each reply as it comes, so that what was paid for
 * is kept whatever happens. A call whose judge, prompt, settings or pictures have changed is another call.
 *
 * @returns The replies by {@link callKey}.
 * @throws Whatever the judge throws; the signal's reason when cancelled.
 */
export async function judgeCalls(
  calls: readonly JudgeCall[],
  options: JudgeCallsOptions,
): Promise<ReadonlyMap<string, JudgeReply>> {
  const limit = pLimit(options.concurrency);
  const replies = new Map<string, JudgeReply>();
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const judgeOne = async (call: JudgeCall) => {
    signal.throwIfAborted();
    replies.set(callKey(call), await replyTo(call, { ...options, signal }));
    options.onReply?.(replies.size, calls.length);
  };
  try {
    await Promise.all(calls.map((call) => limit(judgeOne, call)));
  } catch (error) {
    limit.clearQueue();
    stop.abort(error);
    throw error;
  }
  return replies;
}

async function replyTo(call: JudgeCall, options: JudgeCallsOptions): Promise<JudgeReply> {
  const { judge, prompts, store, signal, keeps = () => true } = options;
  const text = prompts.render(call.prompt, call.values);
  const hash = await hashOf(call, [judge.name, judge.version, text]);
  const stored = store.find(hash);
  if (stored !== undefined && keeps(call, stored)) return stored;
  const content = [text, ...(await Promise.all(call.parts.map(contentOf)))];
  const reply = await judge.reply({ call, content }, signal === undefined ? {} : { signal });
  await store.add({
    hash,
    key: callKey(call),
    prompt: call.prompt,
    prompts: prompts.name,
    judge: judge.name,
    version: judge.version,
    reply,
  });
  return reply;
}

async function contentOf(part: CallPart): Promise<JudgeRequest['content'][number]> {
  return 'label' in part ? part.label : encodePicture(part.picture, part.form);
}

async function hashOf(call: JudgeCall, texts: readonly string[]): Promise<string> {
  const parts = await Promise.all(
    call.parts.map(async (part) =>
      'label' in part ? part : { file: await fileHash(part.picture), form: part.form },
    ),
  );
  return createHash('sha256')
    .update(JSON.stringify([callKey(call), texts, call.settings, parts]))
    .digest('hex');
}
