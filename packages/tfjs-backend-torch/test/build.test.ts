import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { registerTorch, TorchMissingError } from '../src/index.ts';
import { isWhole } from '../whole.mjs';

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

describe('isWhole', () => {
  it('is true of a file as long as its key says, not of one cut short, missing, or without a size', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'whole-')), 'addon.node');
    expect(isWhole(file)).toBe(false);
    writeFileSync(file, 'twelve bytes');
    expect(isWhole(file)).toBe(false);
    writeFileSync(`${file}.key`, 'hash');
    expect(isWhole(file)).toBe(false);
    writeFileSync(`${file}.key`, 'hash 12');
    expect(isWhole(file)).toBe(true);
    truncateSync(file, 5);
    expect(isWhole(file)).toBe(false);
  });
});

describe('the loader', () => {
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'addon-'));
  });

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

  it('does not load a file that is shorter than the build made it: the system would kill the process', () => {
    process.env.THINKRL_TORCH_ADDON = join(folder, 'thinkrl_torch.node');
    writeFileSync(process.env.THINKRL_TORCH_ADDON, 'half');
    writeFileSync(`${process.env.THINKRL_TORCH_ADDON}.key`, 'hash 8');
    expect(registerTorch).toThrow(/is damaged \(4 of 8 bytes\): build it/);
  });
});
