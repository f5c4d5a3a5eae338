import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { main } from '../src/index.ts';
import { scriptedRecipe } from './scripted-recipe.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

function ended(child: ChildProcess): Promise<{ status: number | null; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (chunk) => (stdout += chunk));
  child.stderr!.on('data', (chunk) => (stderr += chunk));
  return new Promise((done) => child.on('close', (status) => done({ status, stdout, stderr })));
}

/** A run whose iterations take `pause` milliseconds. */
function scripted(pause: number, ...words: string[]): ChildProcess {
  const loader = ['--import', 'tsx', '--conditions=@thinkrl/source'];
  return spawn(process.execPath, [...loader, here('interruptible.ts'), ...words], {
    env: { ...process.env, PAUSE: `${pause}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends the run after an iteration and says how to go on',
  async (signal) => {
    const child = scripted(50, 'train', '--iterations', '10000', '--out', 'runs/mine');
    child.stderr!.once('data', () => child.kill(signal));
    const { status, stdout, stderr } = await ended(child);
    expect(status).toBe(130);
    expect(stderr).toContain('stopping as soon as it is saved');
    expect(stdout).toContain('go on with: thinkrl resume runs/mine');
  },
);

test('the second signal leaves at once, without saving', async () => {
  const child = scripted(300_000, 'train', '--iterations', '2', '--out', 'runs/mine');
  child.stderr!.once('data', () => {
    child.kill('SIGINT');
    setTimeout(() => child.kill('SIGINT'), 1500);
  });
  const { status, stdout } = await ended(child);
  expect(status).toBe(130);
  expect(stdout).not.toContain('go on with');
});

test('a signal that a launcher passes on is not a second one', async () => {
  const child = scripted(1000, 'train', '--iterations', '100', '--out', 'runs/mine');
  child.stderr!.once('data', () => {
    child.kill('SIGINT');
    setTimeout(() => child.kill('SIGTERM'), 200);
  });
  const { status, stdout } = await ended(child);
  expect(status).toBe(130);
  expect(stdout).toContain('go on with: thinkrl resume runs/mine');
});

test('the binary says when it is not built', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'thinkrl-bin-'));
  await cp(here('../bin/thinkrl.mjs'), join(folder, 'bin', 'thinkrl.mjs'));
  const child = spawn(process.execPath, [join(folder, 'bin', 'thinkrl.mjs')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { status, stderr } = await ended(child);
  expect([status, stderr]).toEqual([
    1,
    'thinkrl is not built yet: run `npm run setup` at the top of the checkout\n',
  ]);
});

test('a run that is told to stop before it began leaves with 130 too', async () => {
  let stdout = '';
  const status = await main(['train', '--iterations', '2'], {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: () => {} },
    load: async () => ({
      ...scriptedRecipe(0),
      trainMicro: async (_, { signal }) => {
        process.emit('SIGTERM');
        signal!.throwIfAborted();
        throw new Error('never told');
      },
    }),
  });
  expect([status, stdout]).toEqual([130, 'stopped before the run began or went on\n']);
});
