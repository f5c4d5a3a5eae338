import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('ranks/train-rank.ts', import.meta.url));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What each rank of a run says on stderr when it fails; empty where it does not. */
async function runRanks(count: number, ...args: string[]): Promise<readonly unknown[]> {
  const place = { WORLD_SIZE: `${count}`, MASTER_ADDR: '127.0.0.1', MASTER_PORT: `${await freePort()}` };
  const ranks = Array.from({ length: count }, (_, i) => {
    const rank = `${i}`;
    const env = { ...process.env, ...place, RANK: rank, LOCAL_RANK: rank };
    const command = ['--import', 'tsx', '--conditions=@thinkrl/source', script, ...args];
    const child = spawn(process.execPath, command, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    return new Promise((resolve) => child.on('close', (code) => resolve(code === 0 ? '' : errors)));
  });
  return Promise.all(ranks);
}

it('two ranks learn from tasks of their own and keep the same weights', async () => {
  const out = join(mkdtempSync(join(tmpdir(), 'ranks-')), 'run');
  expect(await runRanks(2, out, '2')).toEqual(['', '']);
  const folders = [out, `${out}-rank1`];
  const hashes = folders.map((folder) => {
    const manifest = readFileSync(join(folder, 'checkpoints', 'step-2', 'manifest.json'), 'utf8');
    return (JSON.parse(manifest) as { files: Record<string, string> }).files;
  });
  expect(hashes[1]).toEqual(hashes[0]);
  expect(Object.keys(hashes[0]!)).toHaveLength(4);
  const metrics = folders.map((folder) =>
    readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { rewards: object; generation: { gradientNorm: number } | null }),
  );
  expect(metrics.map((lines) => lines.length)).toEqual([2, 2]);
  expect(metrics[1]!.map(({ rewards }) => rewards)).not.toEqual(metrics[0]!.map(({ rewards }) => rewards));
  expect(readdirSync(folders[1]!)).toContain('summary.json');
}, 240_000);

it('a rank whose weights go astray ends the run on all ranks at the next check, named', async () => {
  const out = join(mkdtempSync(join(tmpdir(), 'ranks-')), 'run');
  for (const errors of await runRanks(3, out, '4', '1'))
    expect(errors).toMatch(/the parameters of rank 1 differ from the others, first in (understanding|generation)\./);
  for (const folder of [out, `${out}-rank1`, `${out}-rank2`])
    expect(readdirSync(join(folder, 'checkpoints'))).toEqual(['step-1']);
}, 300_000);
