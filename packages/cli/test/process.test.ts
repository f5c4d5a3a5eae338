import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

function ended(child: ChildProcess): Promise<{ status: number | null; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (chunk) => (stdout += chunk));
  child.stderr!.on('data', (chunk) => (stderr += chunk));
  return new Promise((done) => child.on('close', (status) => done({ status, stdout, stderr })));
}

function scripted(...words: string[]): ChildProcess {
  const loader = ['--import', 'tsx', '--conditions=@thinkrl/source'];
  return spawn(process.execPath, [...loader, here('interruptible.ts'), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends the run after an iteration and says how to go on',
  async (signal) => {
    const child = scripted('train', '--iterations', '10000', '--out', 'runs/mine');
    child.stderr!.once('data', () => child.kill(signal));
    const { status, stdout, stderr } = await ended(child);
    expect(status).toBe(130);
    expect(stderr).toContain('stopping after this iteration');
    expect(stdout).toContain('go on with: thinkrl resume runs/mine');
  },
);

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
