import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RunFolderError } from '../src/error.ts';
import { holdingRunFolder } from '../src/run-lock.ts';

const temporary = () => mkdtempSync(join(tmpdir(), 'run-lock-'));
const lockOf = (root: string) => join(root, 'lock');
const hold = (root: string) => holdingRunFolder({ root }, async () => 'worked');

describe('holdingRunFolder', () => {
  it('lets one piece of work at a time into a folder, and lets go when it fails', async () => {
    const root = join(temporary(), 'not', 'there', 'yet');
    const failing = holdingRunFolder({ root }, async () => {
      expect(existsSync(lockOf(root))).toBe(true);
      await expect(hold(root)).rejects.toThrow(RunFolderError);
      await expect(hold(root)).rejects.toThrow(`in use by process ${process.pid}`);
      throw new Error('on purpose');
    });
    await expect(failing).rejects.toThrow('on purpose');
    expect(existsSync(lockOf(root))).toBe(false);
    await expect(hold(root)).resolves.toBe('worked');
  });

  it('takes over from a process that is gone, and a lock cut short', async () => {
    const root = temporary();
    const { pid } = spawnSync(process.execPath, ['--version']);
    for (const text of [JSON.stringify({ host: hostname(), pid, start: null }), '', '{"host"', 'null']) {
      writeFileSync(lockOf(root), text);
      await expect(hold(root)).resolves.toBe('worked');
    }
  });

  it.skipIf(!existsSync('/proc/self/stat'))('tells a later process with the same id apart', async () => {
    const root = temporary();
    await holdingRunFolder({ root }, async () => {
      const { start, ...holder } = JSON.parse(readFileSync(lockOf(root), 'utf8'));
      expect(start).toMatch(/^\d+$/);
      writeFileSync(lockOf(root), JSON.stringify({ ...holder, start: `${Number(start) - 1}` }));
      await expect(hold(root)).resolves.toBe('worked');
    });
  });

  it('believes a lock from another machine', async () => {
    const root = temporary();
    writeFileSync(lockOf(root), JSON.stringify({ host: 'elsewhere', pid: 1, start: null }));
    await expect(hold(root)).rejects.toThrow(`on elsewhere; if that is gone, remove ${lockOf(root)}`);
  });
});
