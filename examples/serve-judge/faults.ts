// 2000 judgements of 6 questions at concurrency 32, against a server without faults and one with 5 % of each of seven, in
// turns: `faults.ts [milliseconds of an answer] [turns]`. Prints what was lost, doubled, wrong, the memory and the
// throughput; exits with 1 where a bar is missed.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { JudgeReply } from '@thinkrl/checklist-reward';
import { openAiCompatible } from '@thinkrl/checklist-reward/served';
import { createServedModel, type Usage } from '@thinkrl/served';
import { startFaultyServer } from './faulty-server.ts';
import { judgeRequests, wrongReplies } from './judgements.ts';

const [judgements, concurrency, attemptLimit] = [2000, 32, 2000];

interface Trial {
  readonly replies: readonly JudgeReply[];
  readonly usage: Usage;
  readonly seconds: number;
  /** Most memory above the start, MB. */
  readonly memory: number;
}

async function judgeAll(baseURL: string): Promise<Trial> {
  const retry = { attempts: 5, firstWait: 100, longestWait: 1000 };
  const model = createServedModel({ baseURL, model: 'faulty', concurrency, attemptLimit, retry });
  const capabilities = { logProbs: false, yesNoLogProbs: false, jsonSchema: true };
  const judge = await openAiCompatible({ model, capabilities });
  const requests = judgeRequests(judgements);
  const before = process.memoryUsage.rss();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 50);
  const idle = model.usage().idle;
  const start = performance.now();
  const replies = await judge.answer(requests);
  const seconds = (performance.now() - start) / 1000;
  clearInterval(watch);
  const usage = { ...model.usage(), idle: model.usage().idle - idle };
  return { replies, usage, seconds, memory: (most - before) / 2 ** 20 };
}

function reasons(replies: readonly JudgeReply[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const reply of replies)
    if ('unjudged' in reply) {
      const reason = reply.unjudged.split(' ')[0]!;
      counts[reason] = (counts[reason] ?? 0) + 1;
    }
  return counts;
}

/**
 * Attempts per second that the server ended. Those it never ended count neither as work nor by the time they held a
 * place; with `waits`, neither do the places that were free because all that was left to do was waiting.
 */
function throughput({ usage, seconds }: Trial, less: 'stalls' | 'waits'): number {
  const stalled = usage.failures.timeout ?? 0;
  const lost = stalled * attemptLimit + (less === 'waits' ? usage.idle : 0);
  return (usage.attempts - stalled) / (seconds - lost / 1000 / concurrency);
}

async function withServer(rate: number): Promise<Trial> {
  const child = fork(fileURLToPath(import.meta.url), [`${latency}`, `${rate}`], {
    execArgv: process.execArgv,
  });
  const [url] = await new Promise<string[]>((resolve) =>
    child.once('message', (message) => resolve([`${message}`])),
  );
  try {
    return await judgeAll(url!);
  } finally {
    child.kill();
  }
}

function tell(name: string, trial: Trial): void {
  const { replies, usage, seconds, memory } = trial;
  console.log(
    `${name}: ${replies.length} replies, ${wrongReplies(replies)} wrong, unjudged ${JSON.stringify(reasons(replies))},`,
    `${seconds.toFixed(1)} s, ${(usage.requests / seconds).toFixed(0)} judgements/s,`,
    `${throughput(trial, 'stalls').toFixed(0)} attempts/s less stalls, ${throughput(trial, 'waits').toFixed(0)} less all waits, ${memory.toFixed(0)} MB, ${JSON.stringify(usage)}`,
  );
}

/** Whether nothing was lost, doubled or wrong, and the memory kept. */
function sound({ replies, memory }: Trial): boolean {
  return replies.length === judgements && wrongReplies(replies) === 0 && memory < 300;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

const [latency, second] = [Number(process.argv[2] ?? 50), Number(process.argv[3] ?? 3)];
if (process.send !== undefined) {
  const server = await startFaultyServer({ rate: second, latency, seed: 1 });
  process.send(server.url);
} else {
  await withServer(0); // warms the code up
  const trials: Record<'whole' | 'faulty', Trial[]> = { whole: [], faulty: [] };
  for (let turn = 0; turn < second; turn++)
    for (const [name, rate] of [['whole', 0] as const, ['faulty', 0.05] as const]) {
      const trial = await withServer(rate);
      trials[name].push(trial);
      tell(name, trial);
    }
  const ratio = (rate: (trial: Trial) => number) =>
    mean(trials.faulty.map(rate)) / mean(trials.whole.map(rate));
  const lessWaits = ratio((trial) => throughput(trial, 'waits'));
  console.log(
    `with faults / without: judgements/s ${ratio(({ seconds }) => judgements / seconds).toFixed(3)},`,
    `attempts/s less stalls ${ratio((trial) => throughput(trial, 'stalls')).toFixed(3)},`,
    `less all waits ${lessWaits.toFixed(3)}`,
  );
  process.exitCode = trials.faulty.every(sound) && lessWaits > 0.85 ? 0 : 1;
}
