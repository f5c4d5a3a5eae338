import { appendFile, mkdir, readFile, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { BenchmarkFileError } from './error.ts';
import type { JudgeReply } from './judge.ts';

/** A judge's reply as it is kept, with what it was asked. */
export interface StoredReply {
  /** Of everything that the reply depends on: judge, prompt, pictures, settings. */
  readonly hash: string;
  readonly key: string;
  readonly prompt: string;
  readonly prompts: string;
  readonly judge: string;
  readonly version: string;
  readonly reply: JudgeReply;
}

/** Replies on disk: one JSON line each, word for word, appended as they come. */
export interface ReplyStore {
  /** The last reply to a call of this hash; failures are not found. */
  find(hash: string): JudgeReply | undefined;
  add(stored: StoredReply): Promise<void>;
}

const lineForm = z.object({
  hash: z.string(),
  reply: z.union([z.object({ text: z.string(), complete: z.boolean() }), z.object({ failed: z.string() })]),
});

/**
 * Opens a file of replies, or begins one. Half a last line, left by a process that was killed, is cut off.
 *
 * @throws BenchmarkFileError when any other line is no reply.
 */
export async function openReplyStore(path: string): Promise<ReplyStore> {
  await mkdir(dirname(path), { recursive: true });
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw new BenchmarkFileError({ path, problem: `cannot be read (${error.code})` }, { cause: error });
  });
  const whole = bytes.lastIndexOf('\n') + 1;
  if (whole < bytes.length) await truncate(path, whole);
  const known = new Map<string, JudgeReply>();
  const lines = bytes.toString('utf8', 0, whole).split('\n').slice(0, -1);
  lines.forEach((line, index) => {
    const { hash, reply } = readLine(line, { path, number: index + 1 });
    known.set(hash, reply);
  });
  return {
    find(hash) {
      const reply = known.get(hash);
      return reply === undefined || 'failed' in reply ? undefined : reply;
    },
    async add(stored) {
      await appendFile(path, `${JSON.stringify(stored)}\n`);
      known.set(stored.hash, stored.reply);
    },
  };
}

function readLine(line: string, { path, number }: { readonly path: string; readonly number: number }) {
  try {
    return lineForm.parse(JSON.parse(line));
  } catch (cause) {
    throw new BenchmarkFileError(
      { path, problem: `line ${number} is no reply; mend or remove it` },
      { cause },
    );
  }
}
