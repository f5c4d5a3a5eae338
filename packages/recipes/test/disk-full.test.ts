import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMicroJudge } from '@thinkrl/microworld';
import { loadCheckpoint, runFolder, savedSteps } from '@thinkrl/orchestrator';
import { afterAll, expect, it } from 'vitest';
import { parseMicroConfig, type RunEvent, resumeMicro, type TrainResult, trainMicro } from '../src/index.ts';
import { remains } from './faults/processes.ts';

const PAGE = 4096;
const temporary = mkdtempSync(join(tmpdir(), 'disk-full-'));
const disk = join(temporary, 'disk');
const ballast = join(disk, 'ballast');
mkdirSync(disk);
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=100m', 'tmpfs', disk]).status === 0;
afterAll(() => {
  if (mounted) spawnSync('umount', [disk]);
  rmSync(temporary, { recursive: true, force: true });
});

/** Leaves so many bytes free on the disk. */
function fillBut(bytes: number): void {
  if (existsSync(ballast)) return;
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(ballast, Buffer.alloc(bavail * bsize - Math.ceil(bytes / PAGE) * PAGE));
}

const config = parseMicroConfig({
  seed: 3,
  iterations: 6,
  engine: { threads: 1 },
  tasksPerIteration: 2,
  groupSize: 4,
  evaluation: { tasks: 0 },
  checkpointEvery: 1,
  keepCheckpoints: 1,
  keepJudgements: true,
});

/** What is done while a run goes on: when it judges, and when an iteration is to be saved. */
interface Hooks {
  readonly judging?: (run: string) => void;
  readonly saving?: (run: string, iteration: number) => void;
}

/** Trains, or goes on. */
function goOn(run: string, hooks: Hooks, begin = false): Promise<TrainResult> {
  const exact = createMicroJudge(config.judge);
  const judge: typeof exact = {
    ...exact,
    answer: async (requests) => {
      hooks.judging?.(run);
      return exact.answer(requests);
    },
  };
  const onEvent = (event: RunEvent) => {
    if (event.type === 'step') hooks.saving?.(run, event.report.iteration);
  };
  return begin ? trainMicro(config, { out: run, judge, onEvent }) : resumeMicro(run, { judge, onEvent });
}

/** Bytes of the first files of a checkpoint, by the order in which they are written, each in whole pages. */
function bytesOf(checkpoint: string, files: number): number {
  const names = ['understanding', 'generation'].flatMap((name) => [
    `${name}.safetensors`,
    `${name}.optimizer.safetensors`,
  ]);
  const pages = names.slice(0, files).map((name) => Math.ceil(statSync(join(checkpoint, name)).size / PAGE));
  return PAGE * pages.reduce((sum, count) => sum + count, 0);
}

/** Fills the disk when iteration 2 is to be saved, so that the file after the first so many does not fit. */
const afterFiles = (files: number): Hooks => ({
  saving: (run, iteration) => {
    if (iteration === 2) fillBut(bytesOf(join(run, 'checkpoints', 'step-1'), files));
  },
});

/** Gives the judgements of a run a place elsewhere. */
function moveJudgements(run: string): void {
  const [here, there] = [join(run, 'judgements'), join(temporary, 'judgements')];
  cpSync(here, there, { recursive: true });
  rmSync(here, { recursive: true });
  symlinkSync(there, here);
}

/** Leaves room for a part of the third line of metrics and nothing else. */
function crampMetrics(run: string): void {
  const metrics = join(run, 'metrics.jsonl');
  const lines = readFileSync(metrics, 'utf8').trimEnd();
  if (lines.split('\n').length < 2 || existsSync(ballast)) return;
  writeFileSync(metrics, `${lines.padEnd(Math.ceil(lines.length / PAGE) * PAGE - 100)}\n`);
  fillBut(0);
}

const saved = 'checkpoints/step-2: cannot be saved';
interface FullDisk {
  readonly what: string;
  readonly before?: (run: string) => void;
  readonly hooks: Hooks;
  readonly message: string;
  /** The last checkpoint. */
  readonly step: number;
}

const faults: readonly FullDisk[] = [
  { what: 'weights', hooks: afterFiles(0), message: saved, step: 1 },
  { what: 'optimiser', hooks: afterFiles(1), message: saved, step: 1 },
  { what: 'weights of the second module', hooks: afterFiles(2), message: saved, step: 1 },
  { what: 'manifest', hooks: afterFiles(4), message: saved, step: 1 },
  { what: 'judgements', hooks: { judging: () => fillBut(0) }, message: '.jsonl: cannot be written', step: 2 },
  {
    what: 'metrics',
    before: moveJudgements,
    hooks: { judging: crampMetrics },
    message: 'metrics.jsonl: cannot be written',
    step: 2,
  },
];

it.skipIf(!mounted)(
  'a disk that is full, for whichever file, leaves the last checkpoint whole; with room again, the run is as if it had never been',
  async () => {
    const [whole, broken] = [join(temporary, 'whole'), join(disk, 'broken')];
    await goOn(whole, {}, true);
    for (const [i, { what, before, hooks, message, step }] of faults.entries()) {
      before?.(broken);
      const failure: Error = await goOn(broken, hooks, i === 0).then(
        () => new Error('nothing failed'),
        (error) => error,
      );
      expect(failure.message, what).toContain(message);
      expect(failure.message, what).toMatch(/ENOSPC.*\(\d+ bytes to write, \d+ free\)|\(\d+ bytes\): /);
      expect(savedSteps(join(broken, 'checkpoints')), what).toEqual([step]);
      await loadCheckpoint({ ...runFolder(broken), iteration: step, modules: [] });
      expect(readdirSync(join(broken, 'checkpoints')), what).toEqual([`step-${step}`]);
      rmSync(ballast);
    }
    await goOn(broken, {});
    expect(remains(broken)).toEqual(remains(whole));
  },
  300_000,
);
