import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readMetrics } from '@thinkrl/orchestrator';
import { expect, test } from 'vitest';

const kills = Number(process.env.THINKRL_KILLS ?? 3);
const settings = {
  seed: 3,
  iterations: 6 + 2 * kills,
  engine: { threads: 1 },
  tasksPerIteration: 3,
  groupSize: 4,
  evaluation: { tasks: 4 },
  checkpointEvery: 1,
  recordEvery: 1,
  recordShare: 1,
};

/** Trains in a process of its own, killed without a word `delay` milliseconds after the run has its folder. */
function trained(run: string, delay?: number): Promise<{ readonly killed: boolean }> {
  const program = fileURLToPath(new URL('trained-in-a-process.ts', import.meta.url));
  const words = ['--import', 'tsx', '--conditions=@thinkrl/source', program, run, JSON.stringify(settings)];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.once('data', () => {
    if (delay !== undefined) setTimeout(() => child.kill('SIGKILL'), delay);
  });
  return new Promise((done, refuse) =>
    child.on('close', (status, signal) => {
      if (signal === 'SIGKILL' || status === 0) done({ killed: signal === 'SIGKILL' });
      else refuse(new Error(`ended with ${status}`));
    }),
  );
}

/** Everything that a run leaves and that must not depend on how often it was killed. */
function remains(run: string): Readonly<Record<string, unknown>> {
  return {
    metrics: readMetrics(join(run, 'metrics.jsonl')).map((report) => ({ ...report, seconds: null })),
    ...hashesOf(join(run, 'checkpoints')),
    ...hashesOf(join(run, 'chains')),
  };
}

function hashesOf(folder: string): Readonly<Record<string, string>> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map((file) => join(file.parentPath, file.name)).sort();
  return Object.fromEntries(
    paths.map((path) => [
      path.slice(folder.length),
      createHash('sha256').update(readFileSync(path)).digest('hex'),
    ]),
  );
}

/** Mean milliseconds of an iteration. */
function iterationTime(run: string): number {
  const times = readMetrics(join(run, 'metrics.jsonl')).map(({ seconds }) => seconds.sample + seconds.update);
  return (1000 * times.reduce((sum, time) => sum + time, 0)) / times.length;
}

test(`a run killed ${kills} times and resumed is the run that was never killed, bit for bit`, {
  timeout: 60_000 + kills * 60_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'thinkrl-killed-'));
  const [whole, broken] = [join(folder, 'whole'), join(folder, 'broken')];
  await trained(whole);
  const span = 3 * iterationTime(whole);
  for (let kill = 1; kill <= kills; kill++) {
    // The golden ratio spreads the moments evenly over three iterations.
    expect((await trained(broken, ((kill * 0.618034) % 1) * span)).killed).toBe(true);
  }
  await trained(broken);
  expect(remains(broken)).toEqual(remains(whole));
});
