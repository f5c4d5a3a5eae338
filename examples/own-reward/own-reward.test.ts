import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('makes edits darker with every report', () => {
  const script = ['--import', 'tsx', '--conditions=@thinkrl/source', 'own-reward.ts', '15'];
  const cwd = dirname(fileURLToPath(import.meta.url));
  const lines = execFileSync(process.execPath, script, { cwd, encoding: 'utf8' }).trim().split('\n');
  const [before, ten, fifteen] = lines.map((line) => Number(/darkness ([\d.]+)/.exec(line)![1]));
  expect(ten).toBeGreaterThan(before!);
  expect(fifteen).toBeGreaterThan(ten!);
}, 120_000);
