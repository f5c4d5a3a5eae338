// 2000 judgements of 6 questions at concurrency 32, against a server without faults, then with 5 % of each of seven.
// Prints what was lost, doubled, wrong, the memory and the throughput; exits with 1 where a bar is missed.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { JudgeReply } from '@thinkrl/checklist-reward';
import { openAiCompatible } from '@thinkrl/checklist-reward/served';
import { createServedModel, type Usage } from '@thinkrl/served';
import { Key } from '@thinkrl/spec';
import { examinee, startFaultyServer, truth } from './faulty-server.ts';

const [judgements, questions, concurrency, attemptLimit, latency] = [2000, 6, 32, 2000, 50];

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
  const requests = Array.from({ length: judgements }, (_, index) => {
    const { task, image } = examinee(index, questions);
    return { task, image, questions: task.checklist!.questions, key: Key.of(index) };
  });
  const before = process.memoryUsage.rss();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 50);
  const start = performance.now();
  const replies = await judge.answer(requests);
  const seconds = (performance.now() - start) / 1000;
  clearInterval(watch);
  return { replies, usage: model.usage(), seconds, memory: (most - before) / 2 ** 20 };
}

/** Judgements that hold an answer that is not true, or to a question of another. */
function wrong(replies: readonly JudgeReply[]): number {
  return replies.filter(
    (reply, index) =>
      !('unjudged' in reply) &&
      (reply.answers.length !== questions ||
        reply.answers.some(
          ({ questionId, reply: said }, number) =>
            questionId !== `${index}-${number}` || said !== truth(index, number),
        )),
  ).length;
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

/** Attempts per second, the slots that a stalled request held taken out. */
function throughput({ usage, seconds }: Trial): number {
  const stalled = ((usage.failures.timeout ?? 0) * attemptLimit) / 1000 / concurrency;
  return usage.attempts / (seconds - stalled);
}

async function withServer(rate: number): Promise<Trial> {
  const child = fork(fileURLToPath(import.meta.url), [`${rate}`], { execArgv: process.execArgv });
  const [url] = await new Promise<string[]>((resolve) =>
    child.once('message', (message) => resolve([`${message}`])),
  );
  try {
    return await judgeAll(url!);
  } finally {
    child.kill();
  }
}

if (process.send !== undefined) {
  const server = await startFaultyServer({ rate: Number(process.argv[2]), latency: latency!, seed: 1 });
  process.send(server.url);
} else {
  await withServer(0); // warms the code up
  const [whole, faulty] = [await withServer(0), await withServer(0.05)];
  const ratio = throughput(faulty) / throughput(whole);
  for (const [name, trial] of Object.entries({ whole, faulty }))
    console.log(
      `${name}: ${trial.replies.length} replies, ${wrong(trial.replies)} wrong, unjudged ${JSON.stringify(reasons(trial.replies))},`,
      `${trial.seconds.toFixed(1)} s, ${(trial.usage.requests / trial.seconds).toFixed(0)} judgements/s,`,
      `${throughput(trial).toFixed(0)} attempts/s, ${trial.memory.toFixed(0)} MB, ${JSON.stringify(trial.usage)}`,
    );
  console.log(`throughput with faults / without: ${ratio.toFixed(3)}`);
  const good =
    faulty.replies.length === judgements &&
    wrong(faulty.replies) === 0 &&
    faulty.memory < 300 &&
    ratio > 0.85;
  process.exitCode = good ? 0 : 1;
}
