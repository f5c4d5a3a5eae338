import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ConfigError } from '@thinkrl/spec';
import { z } from 'zod';
import type { BenchmarkEditor } from './editor.ts';
import { BenchmarkFileError, EditFailedError } from './error.ts';

const replyForm = z.union([z.object({ error: z.string() }), z.object({ output: z.string() })]);

/**
 * Any program as an editor. It is started once, without a shell. It reads one JSON object a line, `{ "key", "category",
 * "instruction", "inputs", "output" }`, writes the edited picture to `output` and answers with one line, `{ "output":
 * path }`, or `{ "error": why }` for a picture that it cannot edit. Its stderr is passed on.
 *
 * @param words The program and its arguments.
 * @example
 * const editor = commandEditor(['python', 'edit.py', '--steps', '28']);
 */
export function commandEditor(words: readonly string[]): BenchmarkEditor {
  const [program, ...args] = words;
  if (program === undefined)
    throw new ConfigError({ field: 'editor', value: words, fix: 'name a program to run' });
  let running: Promise<Conversation> | undefined;
  let count = 0;
  const edit: BenchmarkEditor['edit'] = async ({ key, category, instruction, inputs }) => {
    running ??= startConversation(program, args);
    const { folder, ask } = await running;
    const output = join(folder, `${count++}.png`);
    const reply = readReply(await ask(JSON.stringify({ key, category, instruction, inputs, output })));
    if ('error' in reply) throw new EditFailedError(reply.error);
    return readFile(reply.output).catch((cause: Error) => {
      throw new EditFailedError(`its output cannot be read: ${cause.message}`, { cause });
    });
  };
  return {
    name: program.split(/[\\/]/).at(-1)!,
    edit: inTurn(edit),
    close: async () => (await running)?.end(),
  };
}

/** One call after the other: the program hears one line at a time. */
function inTurn<A extends readonly unknown[], T>(
  call: (...args: A) => Promise<T>,
): (...args: A) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (...args) => {
    const next = last.then(() => call(...args));
    last = next.catch(() => {});
    return next;
  };
}

interface Conversation {
  readonly folder: string;
  ask(line: string): Promise<string>;
  end(): Promise<void>;
}

async function startConversation(program: string, args: readonly string[]): Promise<Conversation> {
  const folder = await mkdtemp(join(tmpdir(), 'thinkrl-edit-'));
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = endOf(child, program);
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    folder,
    async ask(line) {
      child.stdin.write(`${line}\n`);
      const next = await Promise.race([lines.next(), ended.then((error) => Promise.reject(error))]);
      if (next.done === true) throw await ended;
      return next.value;
    },
    async end() {
      child.stdin.end();
      const patience = setTimeout(() => child.kill(), 5000);
      await ended;
      clearTimeout(patience);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves when the program has ended, to the error it is if that was too early. */
function endOf(child: ChildProcess, program: string): Promise<BenchmarkFileError> {
  return new Promise((resolve) => {
    const end = (problem: string) => resolve(new BenchmarkFileError({ path: program, problem }));
    child.once('error', (error) => end(`cannot be started: ${error.message}`));
    child.once('close', (status) => end(`ended with status ${status} while pictures were left to edit`));
  });
}

function readReply(line: string): z.infer<typeof replyForm> {
  try {
    return replyForm.parse(JSON.parse(line));
  } catch (cause) {
    throw new EditFailedError(`the editor's answer is no {"output"} or {"error"}: ${line.slice(0, 200)}`, {
      cause,
    });
  }
}
