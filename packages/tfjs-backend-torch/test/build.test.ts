import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { registerTorch, TorchMissingError } from '../src/index.ts';

const script = fileURLToPath(new URL('../build.mjs', import.meta.url));

function build(environment: Record<string, string>) {
  const env = { ...process.env, ...environment };
  return spawnSync(process.execPath, [script], { env, encoding: 'utf8' });
}

describe('the build', () => {
  it.each([
    ['no compiler', { CXX: '/nowhere/g++' }, /no C\+\+ compiler found .*apt-get install g\+\+/],
    ['a LIBTORCH that is none', { LIBTORCH: '/nowhere' }, /LIBTORCH is \/nowhere, which has no include/],
  ])('with %s says so in one line and ends with 2', (_, environment, line) => {
    const { status, stderr } = build(environment);
    expect(status).toBe(2);
    expect(stderr.trim()).toMatch(line);
    expect(stderr.trim()).not.toContain('\n');
  });
});

describe('the loader', () => {
  const folder = mkdtempSync(join(tmpdir(), 'addon-'));

  afterEach(() => {
    delete process.env.THINKRL_TORCH_ADDON;
    rmSync(folder, { recursive: true, force: true });
  });

  it('takes half a file for a missing engine, not for a crash', () => {
    process.env.THINKRL_TORCH_ADDON = join(folder, 'thinkrl_torch.node');
    writeFileSync(process.env.THINKRL_TORCH_ADDON, '\x7fELF half a library');
    expect(registerTorch).toThrow(TorchMissingError);
    expect(registerTorch).toThrow(/does not load .*apt-get install/);
  });
});
