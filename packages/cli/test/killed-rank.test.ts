import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { StepReport } from '@thinkrl/spec';
import { expect, test } from 'vitest';

const ITERATIONS = 6;
const thinkrl = [
  ...['--import', 'tsx', '--conditions=@thinkrl/source'],
  fileURLToPath(new URL('thinkrl.ts', import.meta.url)),
];
const settings = Object.entries({
  ...{ seed: 5, iterations: ITERATIONS, tasksPerIteration: 4, groupSize: 4, checkpointEvery: 1 },
  ...{ 'engine.name': 'torch', 'engine.threads': 1, 'evaluation.tasks': 0 },
}).flatMap(([name, value]) => [`--${name}`, `${value}`]);

/** The command line, by itself or launched as several ranks. */
function start(ranks: number, ...words: string[]): ChildProcess {
  const command = [...thinkrl, ...words];
  const launched = ['launch', '--nproc', `${ranks}`, '--', process.execPath, ...command];
  return spawn(process.execPath, ranks === 1 ? command : [...thinkrl, ...launched], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

async function ended(child: ChildProcess): Promise<{ status: number | null; stderr: string }> {
  let stderr = '';
  child.stderr!.on('data', (chunk) => (stderr += chunk));
  const status = await new Promise<number | null>((done) => child.on('close', done));
  return { status, stderr };
}

async function finished(ranks: number, ...words: string[]): Promise<void> {
  const { status, stderr } = await ended(start(ranks, ...words));
  expect(status, stderr).toBe(0);
}

/** The process of a rank among those that a launcher started. */
function processOf(launcher: ChildProcess, rank: number): number {
  const { pid } = launcher;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  return children.find((child) =>
    readFileSync(`/proc/${child}/environ`, 'utf8').split('\0').includes(`RANK=${rank}`),
  )!;
}

/** Trains as two ranks, the second of which is killed once there is a second checkpoint. */
async function broken(run: string) {
  const launcher = start(2, 'train', '--out', run, ...settings);
  const end = ended(launcher);
  while (!existsSync(join(run, 'checkpoints', 'step-2'))) await pause(10);
  process.kill(processOf(launcher, 1), 'SIGKILL');
  const killed = performance.now();
  return { ...(await end), seconds: (performance.now() - killed) / 1000 };
}

const reportsOf = (run: string) =>
  readFileSync(join(run, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as StepReport);

const lossesOf = (run: string) =>
  reportsOf(run).flatMap(({ understanding, generation }) => [understanding!.loss, generation!.loss]);

const temporary = () => mkdtempSync(join(tmpdir(), 'thinkrl-killed-rank-'));

test.skipIf(!existsSync('/proc/self/environ'))(
  'a run of 2 ranks that lost one ends, and goes on as 1 and as 4 with the losses of the run that lost none',
  async () => {
    const folder = temporary();
    const [whole, run] = [join(folder, 'whole'), join(folder, 'run')];
    await finished(2, 'train', '--out', whole, ...settings);
    const { status, stderr, seconds } = await broken(run);
    expect(status).toBe(1);
    expect(stderr).toMatch(/rank 1 was ended by SIGKILL; .*ending the job/);
    expect(stderr).toMatch(/thinkrl: .*rank 1.* has gone/);
    expect(seconds).toBeLessThan(30);
    expect(reportsOf(run).length).toBeLessThan(ITERATIONS);
    for (const ranks of [1, 4]) {
      const place = join(temporary(), 'run');
      cpSync(run, place, { recursive: true });
      await finished(ranks, 'resume', place);
      const losses = lossesOf(place);
      expect(losses).toHaveLength(2 * ITERATIONS);
      lossesOf(whole).forEach((loss, i) => {
        expect(Math.abs(losses[i]! - loss)).toBeLessThan(1e-6);
      });
      expect(readdirSync(join(place, '..'))).toEqual(['run']);
    }
  },
  600_000,
);
