import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const here = dirname(fileURLToPath(import.meta.url));

describe('quick start', () => {
  it('is the code that the README shows', () => {
    const readme = readFileSync(join(here, '../../README.md'), 'utf8');
    expect(readme).toContain(readFileSync(join(here, 'quick-start.ts'), 'utf8').trim());
  });

  it('prints the instruction and eight plans with their advantages', () => {
    const script = ['--import', 'tsx', '--conditions=@thinkrl/source', 'quick-start.ts'];
    const lines = execFileSync(process.execPath, script, { cwd: here, encoding: 'utf8' }).trim().split('\n');
    expect(lines).toHaveLength(9);
    for (const line of lines.slice(1)) expect(line).toMatch(/^-?\d\.\d\d \w+/);
  });
});
