import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { main } from '../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'thinkrl-launch-'));

function script(name: string, text: string): string {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(path, text);
  return path;
}

async function launched(...words: string[]) {
  let stdout = '';
  let stderr = '';
  const keep = {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
  };
  const started = performance.now();
  const status = await main(['launch', ...words], keep);
  return { status, stdout, stderr, seconds: (performance.now() - started) / 1000 };
}

const variables = script(
  'variables',
  `const { RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT } = process.env;
   console.log([RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT, ...process.argv.slice(2)].join(' '));`,
);

test('every rank is told who it is, in the words of torchrun, and gets the arguments', async () => {
  const place = ['--address', '10.0.0.1', '--port', '1234'];
  const { status, stdout } = await launched(
    ...['--nproc', '2', '--nnodes', '2', '--node-rank', '1', ...place],
    ...['--', variables, '--json', '--help'],
  );
  expect(status).toBe(0);
  expect(stdout.trim().split('\n').sort()).toEqual([
    '[rank 2] 2 0 4 10.0.0.1 1234 --json --help',
    '[rank 3] 3 1 4 10.0.0.1 1234 --json --help',
  ]);
});

const waiting = "setInterval(() => {}, 1000); process.on('SIGTERM', () => {});";

test.each([
  [
    'ends with a status',
    "console.error('out of memory'); process.exit(3);",
    'rank 1 ended with status 3; its last line: out of memory',
  ],
  ['is killed', "process.kill(process.pid, 'SIGKILL');", 'rank 1 was ended by SIGKILL'],
])('a rank that %s ends the job, also where the others do not listen', async (_, ending, cause) => {
  const path = script('failing', `if (process.env.RANK === '1') { ${ending} } else { ${waiting} }`);
  const { status, stderr, seconds } = await launched('--nproc', '3', '--grace', '1', '--', path);
  expect(status).toBe(1);
  expect(stderr).toContain(`thinkrl: ${cause}; ending the job`);
  expect(seconds).toBeLessThan(15);
});

test('a program that is not there is named', async () => {
  const { status, stderr } = await launched('--nproc', '2', '--grace', '0', '--', join(folder, 'nothing'));
  expect(status).toBe(1);
  expect(stderr).toMatch(/rank [01] did not start: .*ENOENT/);
});

test.each([
  [[], 'launch what?'],
  [['--nproc', '0', '--', 'x'], '--nproc is "0": use a whole number of at least 1'],
  [['--nnodes', '2', '--node-rank', '2', '--', 'x'], '--node-rank is 2: use 0 to 1 of --nnodes 2'],
  [['--nnodes', '2', '--', 'x'], 'needs the same --address and --port'],
])('what cannot be launched is refused: %j', async (words, text) => {
  const { status, stderr } = await launched(...words);
  expect(status).toBe(2);
  expect(stderr).toContain(text);
});

test('Ctrl-C ends every rank', async () => {
  const path = script('patient', "setInterval(() => {}, 1000); console.log('here');");
  const entry = fileURLToPath(new URL('interruptible.ts', import.meta.url));
  const loader = ['--import', 'tsx', '--conditions=@thinkrl/source'];
  const child = spawn(process.execPath, [...loader, entry, 'launch', '--nproc', '2', '--', path], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.once('data', () => child.kill('SIGINT'));
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(130);
});
