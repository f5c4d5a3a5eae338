import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { linesOf, remains, start, startJudge } from '../../recipes/test/faults/processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'thinkrl-stopped-'));
const config = join(folder, 'config.json');
/** By its path from the folder of the scripts that `start` starts. */
const ENTRY = '../../../cli/test/judged-cli.ts';
const PROGRAM = fileURLToPath(new URL('judged-cli.ts', import.meta.url));
const LOADER = ['--import', 'tsx', '--conditions=@thinkrl/source'];
const minutes = 5 * 60_000;

writeFileSync(
  config,
  JSON.stringify({
    seed: 3,
    iterations: 3,
    engine: { threads: 1 },
    tasksPerIteration: 2,
    groupSize: 4,
    evaluation: { tasks: 4 },
    checkpointEvery: 3,
    keepCheckpoints: 1,
    keepJudgements: true,
  }),
);

let fast: Awaited<ReturnType<typeof startJudge>>;
let slow: Awaited<ReturnType<typeof startJudge>>;
beforeAll(async () => {
  [fast, slow] = await Promise.all([
    startJudge(join(folder, 'fast'), 20),
    startJudge(join(folder, 'slow'), minutes),
  ]);
});
afterAll(() => Promise.all([fast.end(), slow.end()]));

/** What a process is sent, a while after it says a word for the first time. */
interface Fault {
  readonly word: string;
  readonly milliseconds?: number;
  /** Given the process, and what it and its ranks have said. */
  send(pid: number, said: readonly string[]): void;
}

/** Runs `thinkrl` with the judge at a URL; the seconds are those from the fault to the end. */
async function thinkrl(url: string, words: readonly string[], fault?: Fault) {
  const { child, ended, onError } = start(ENTRY, words, { env: { JUDGE_URL: url }, detached: true });
  const said: string[] = [];
  let sent: number | null = null;
  onError((line) => {
    said.push(line);
    if (line !== `@${fault?.word}` || sent !== null) return;
    sent = 0;
    setTimeout(() => {
      sent = performance.now();
      fault!.send(child.pid!, said);
    }, fault!.milliseconds ?? 0);
  });
  const { status, errors } = await ended;
  return { status, errors, seconds: sent === null ? 0 : (performance.now() - sent) / 1000 };
}

const terminate = (pid: number) => void process.kill(pid, 'SIGTERM');

/** The run at its end: metrics, checkpoint, recorded chains, and whether it was summed up. */
const endOf = (run: string) => ({ ...remains(run), summed: existsSync(join(run, 'summary.json')) });

const iterationsOf = (run: string) => linesOf(join(run, 'metrics.jsonl')).length;

test('SIGTERM ends a run soon in every phase, saved; what follows is the run that was never stopped', async () => {
  const [whole, broken] = [join(folder, 'whole'), join(folder, 'broken')];
  expect(await thinkrl(fast.url, ['train', '--config', config, '--out', whole])).toMatchObject({ status: 0 });

  const stops = [
    { phase: 'evaluation', judge: fast, word: 'folder', done: 0 },
    { phase: 'sampling', judge: fast, word: 'save', milliseconds: 100, done: 1 },
    { phase: 'judging', judge: slow, word: 'judge', milliseconds: 500, done: 1 },
    { phase: 'update', judge: fast, word: 'update', done: 2 },
    { phase: 'save', judge: fast, word: 'save', done: 3 },
  ];
  const seconds: Record<string, number> = {};
  for (const { phase, judge, done, ...moment } of stops) {
    const words = existsSync(broken) ? ['resume', broken] : ['train', '--config', config, '--out', broken];
    const ending = await thinkrl(judge.url, words, { ...moment, send: terminate });
    expect(ending, phase).toMatchObject({ status: 130 });
    expect(ending.seconds, phase).toBeLessThan(30);
    expect(iterationsOf(broken), phase).toBe(done);
    seconds[phase] = ending.seconds;
  }
  console.log({ seconds });
  expect(await thinkrl(fast.url, ['resume', broken])).toMatchObject({ status: 0 });
  expect(endOf(broken)).toEqual(endOf(whole));
}, 600_000);

test('a signal for the launcher, for one rank or for all ends both ranks, saved', async () => {
  const [whole, broken] = [join(folder, 'whole2'), join(folder, 'broken2')];
  const ranks = (...words: string[]) => [
    ...['launch', '--nproc', '2', '--', process.execPath, ...LOADER, PROGRAM],
    ...words,
  ];
  const begin = (out: string) => ranks('train', '--config', config, '--out', out);
  expect(await thinkrl(fast.url, begin(whole))).toMatchObject({ status: 0 });

  const toOneRank = (_: number, said: readonly string[]) => {
    const line = said.find((one) => one.startsWith('[rank 1] @pid '))!;
    terminate(Number(line.split(' ').at(-1)));
  };
  const toAll = (pid: number) => void process.kill(-pid, 'SIGINT'); // as Ctrl-C in a terminal does
  const stops = [
    { to: 'launcher', judge: slow, word: 'judge', milliseconds: 500, send: terminate, done: 0 },
    { to: 'one rank', judge: slow, word: 'judge', milliseconds: 500, send: toOneRank, done: 0 },
    { to: 'all', judge: fast, word: 'save', send: toAll, done: 1 },
  ];
  const seconds: Record<string, number> = {};
  for (const { to, judge, done, ...fault } of stops) {
    const words = existsSync(broken) ? ranks('resume', broken) : begin(broken);
    const ending = await thinkrl(judge.url, words, fault);
    expect(ending, to).toMatchObject({ status: 130 });
    expect(ending.seconds, to).toBeLessThan(30);
    for (const run of [broken, `${broken}-rank1`]) expect(iterationsOf(run), to).toBe(done);
    seconds[to] = ending.seconds;
  }
  console.log({ seconds });
  expect(await thinkrl(fast.url, ranks('resume', broken))).toMatchObject({ status: 0 });
  for (const rank of ['', '-rank1']) expect(endOf(`${broken}${rank}`)).toEqual(endOf(`${whole}${rank}`));
}, 600_000);
