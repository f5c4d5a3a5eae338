import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { EditTask } from '@thinkrl/spec';
import { JudgeContractError } from '../error.ts';
import type { Judge, Judged, JudgeReply, JudgeRequest } from '../judge.ts';
import { SharedCalls } from '../shared-calls.ts';
import { HEADER_KEY, headerOf, otherVersions, readHeader } from './header.ts';
import { type Journal, openJournal } from './journal.ts';
import { createRequestHasher } from './request-hash.ts';

/** Settings of {@link cachedJudge}. */
export interface CachedJudgeOptions {
  /** Where judgements are kept, a file for each judge and version; several judges may share it. */
  readonly folder: string;
  /** Is told what was found damaged and repaired, and of judgements that another version made. */
  readonly onNotice?: (text: string) => void;
}

/** What became of the requests to a {@link CachedJudge} since it was opened. */
export interface CacheUsage {
  /** Requests, each picture with its questions counted once. */
  readonly requests: number;
  /** Answered from the folder. */
  readonly kept: number;
  /** Equal to one that was under way, and answered with it. */
  readonly shared: number;
  /** Asked of the judge. */
  readonly asked: number;
}

/** A judge that remembers. Close it when done. */
export interface CachedJudge<Task extends EditTask = EditTask> extends Judge<Task> {
  usage(): CacheUsage;
  /** Waits for what is being written. */
  close(): Promise<void>;
}

/**
 * Keeps the replies of a judge on disk, so that a run that was stopped, killed or repeated asks nothing again.
 *
 * A reply is on disk before it is returned, and what is on disk is never asked again; equal means the same judge and
 * version, task, picture, questions and key. Equal requests at the same time are asked once. An unjudged picture is not
 * kept: it is asked again the next time. What was on its way when a process was killed is asked again; a server that
 * heeds the `Idempotency-Key` of such a request answers it without asking its model. Pictures are asked one by one, all
 * at the same time: the judge bounds what is on its way.
 *
 * Several processes may share a folder; each sees what the others have kept whenever it is asked.
 *
 * @throws JudgeCacheError when the folder cannot be read or written, or a file in it has another format.
 * @example
 * const judge = await cachedJudge(await openAiCompatible({ model }), { folder: 'runs/first/judgements' });
 * const replies = await judge.answer(requests);
 * await judge.close();
 */
export async function cachedJudge<Task extends EditTask>(
  judge: Judge<Task>,
  options: CachedJudgeOptions,
): Promise<CachedJudge<Task>> {
  const { folder, onNotice = () => {} } = options;
  const { name, version } = judge;
  const memory = await openMemory(join(folder, fileOf(judge)), judge, onNotice);
  for (const other of await otherVersions(folder, judge))
    onNotice(`${folder} also holds judgements of ${name} ${other}; ${version} makes its own`);
  const hasher = createRequestHasher();
  const calls = new SharedCalls<JudgeReply>();
  const usage = { requests: 0, kept: 0, shared: 0, asked: 0 };
  const ask = async (request: JudgeRequest<Task>, hash: string, signal: AbortSignal): Promise<JudgeReply> => {
    usage.asked += 1;
    const [reply, ...more] = await judge.answer([request], { signal });
    if (reply === undefined || more.length > 0)
      throw new JudgeContractError({
        source: name,
        taskId: request.task.id,
        problem: `${more.length + Number(reply !== undefined)} replies to 1 request`,
      });
    if (!('unjudged' in reply)) await memory.keep(hash, reply);
    return reply;
  };
  return {
    name,
    version,
    usage: () => ({ ...usage }),
    close: () => memory.close(),
    async answer(requests, call) {
      await memory.refresh();
      const replies = requests.map((request) => {
        const hash = hasher.hash(request);
        const kept = memory.get(hash);
        usage.requests += 1;
        usage.kept += Number(kept !== undefined);
        usage.shared += Number(calls.has(hash));
        return kept ?? calls.join(hash, (signal) => ask(request, hash, signal), call?.signal);
      });
      return Promise.all(replies);
    },
  };
}

function fileOf({ name, version }: Judge): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([name, version]))
    .digest('hex');
  return `${hash.slice(0, 16)}.jsonl`;
}

async function openMemory(path: string, judge: Judge, notice: (text: string) => void): Promise<Memory> {
  const memory = new Memory(path, await openJournal(path), notice);
  try {
    await memory.open(judge);
  } catch (error) {
    await memory.close();
    throw error;
  }
  return memory;
}

/** What a journal holds, by hash; the first reply to a request is the one that counts. */
class Memory {
  private readonly path: string;
  private readonly journal: Journal;
  private readonly notice: (text: string) => void;
  private readonly replies = new Map<string, Judged>();

  constructor(path: string, journal: Journal, notice: (text: string) => void) {
    this.path = path;
    this.journal = journal;
    this.notice = notice;
  }

  async open(judge: Judge): Promise<void> {
    let headed = false;
    const { cut } = await this.load((json) => {
      readHeader(this.path, json, judge);
      headed = true;
    });
    if (cut) this.notice(`${this.path}: the last record was cut off; what it said is asked again`);
    if (!headed) await this.journal.append({ key: HEADER_KEY, json: headerOf(judge) });
  }

  async refresh(): Promise<void> {
    await this.load(() => {});
  }

  get(hash: string): Judged | undefined {
    return this.replies.get(hash);
  }

  async keep(hash: string, reply: Judged): Promise<void> {
    await this.journal.append({ key: hash, json: JSON.stringify(reply) });
    if (!this.replies.has(hash)) this.replies.set(hash, reply);
  }

  close(): Promise<void> {
    return this.journal.close();
  }

  private async load(header: (json: string) => void) {
    const reading = await this.journal.read(({ key, json }) => {
      if (key === HEADER_KEY) header(json);
      else if (!this.replies.has(key)) this.replies.set(key, JSON.parse(json) as Judged);
    });
    if (reading.damaged > 0)
      this.notice(`${this.path}: ${reading.damaged} damaged records; what they said is asked again`);
    return reading;
  }
}
