import type { ServerAnswer } from './server-answer.ts';

/** Answers by idempotency key: a request that comes again is the same question. */
export interface ReplyMemory {
  /** What is remembered of the key, or on its way; else what `ask` gives. A failure is not remembered. */
  answer(key: string | undefined, ask: () => ServerAnswer | Promise<ServerAnswer>): Promise<ServerAnswer>;
}

/** Remembers so many answers; the oldest are forgotten first. */
export function createReplyMemory(size: number): ReplyMemory {
  const known = new Map<string, Promise<ServerAnswer>>();
  return {
    async answer(key, ask) {
      if (key === undefined || size === 0) return ask();
      const before = known.get(key);
      if (before !== undefined) return before;
      const answer = Promise.resolve().then(ask);
      known.set(key, answer);
      for (const oldest of known.keys()) {
        if (known.size <= size) break;
        known.delete(oldest);
      }
      answer.catch(() => known.delete(key));
      return answer;
    },
  };
}
