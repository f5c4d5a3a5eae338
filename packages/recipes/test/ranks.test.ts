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

async function runTwo(...args: string[]): Promise<void> {
  const place = { WORLD_SIZE: '2', MASTER_ADDR: '127.0.0.1', MASTER_PORT: `${await freePort()}` };
  const ranks = ['0', '1'].map((rank) => {
    const env = { ...process.env, ...place, RANK: rank, LOCAL_RANK: rank };
    const command = ['--import', 'tsx', '--conditions=@thinkrl/source', script, ...args];
    const child = spawn(process.execPath, command, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    return new Promise((resolve) => child.on('close', (code) => resolve(code === 0 ? '' : errors)));
  });
  expect(await Promise.all(ranks)).toEqual(['', '']);
}

it('two ranks learn from tasks of their own and keep the same weights', async () => {
  const out = join(mkdtempSync(join(tmpdir(), 'ranks-')), 'run');
  await runTwo(out, '2');
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
