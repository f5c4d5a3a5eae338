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
    iterations: 5,
    engine: { threads: 1 },
    tasksPerIteration: 2,
    groupSize: 4,
    evaluation: { tasks: 4 },
    checkpointEvery: 1,
    keepCheckpoints: 1,
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

/** What a process is sent, once it has said a word and something else is so too. */
interface Fault {
  readonly word: string;
  readonly until?: () => boolean;
  /** Given the process, and what it and its ranks have said. */
  send(pid: number, said: readonly string[]): void;
}

/** Runs `thinkrl` with the judge at a URL; the seconds are those from the fault to the end. */
async function thinkrl(url: string, words: readonly string[], fault?: Fault) {
  const { child, ended, onError } = start(ENTRY, words, { env: { JUDGE_URL: url }, detached: true });
  const said: string[] = [];
  let sent: number | null = null;
  const send = () => {
    sent = performance.now();
    fault!.send(child.pid!, said);
  };
  onError((line) => {
    said.push(line);
    if (line !== `@${fault?.word}` || said.filter((one) => one === line).length > 1) return;
    const { until = () => true } = fault!;
    const timer = setInterval(() => {
      if (!until()) return;
      clearInterval(timer);
      send();
    }, 2);
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

  const firstCheckpoint = () => existsSync(join(broken, 'checkpoints', 'step-1'));
  const stops = [
    { phase: 'evaluation', judge: fast, word: 'folder', least: 0, most: 0 },
    { phase: 'sampling', judge: fast, word: 'save', until: firstCheckpoint, least: 1, most: 5 },
    { phase: 'judging', judge: slow, word: 'judge', least: 0, most: 0 },
    // The last portion of an update may be under way when the signal comes.
    { phase: 'update', judge: fast, word: 'update', least: 0, most: 1 },
    { phase: 'save', judge: fast, word: 'save', least: 1, most: 5 },
  ];
  const seconds: Record<string, number> = {};
  for (const { phase, judge, least, most, ...moment } of stops) {
    const done = iterationsOf(broken);
    const words = existsSync(broken) ? ['resume', broken] : ['train', '--config', config, '--out', broken];
    const ending = await thinkrl(judge.url, words, { ...moment, send: terminate });
    expect(ending, phase).toMatchObject({ status: 130 });
    expect(ending.seconds, phase).toBeLessThan(30);
    expect(iterationsOf(broken) - done, phase).toBeGreaterThanOrEqual(least);
    expect(iterationsOf(broken) - done, phase).toBeLessThanOrEqual(most);
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
  const ways = { launcher: terminate, 'one rank': toOneRank, all: toAll };
  const seconds: Record<string, number> = {};
  for (const [to, send] of Object.entries(ways)) {
    const words = existsSync(broken) ? ranks('resume', broken) : begin(broken);
    const ending = await thinkrl(slow.url, words, { word: 'judge', send });
    expect(ending, to).toMatchObject({ status: 130 });
    expect(ending.seconds, to).toBeLessThan(30);
    expect(iterationsOf(broken), to).toBe(0);
    seconds[to] = ending.seconds;
  }
  console.log({ seconds });
  expect(await thinkrl(fast.url, ranks('resume', broken))).toMatchObject({ status: 0 });
  expect(endOf(broken)).toEqual(endOf(whole));
}, 600_000);
