import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StepReport } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import { RunFolderError } from '../src/error.ts';
import { appendMetrics, readMetrics, rewindMetrics } from '../src/metrics-log.ts';
import { createRunFolder, writeWhole } from '../src/run-folder.ts';

const temporary = () => mkdtempSync(join(tmpdir(), 'run-folder-'));
const report = (iteration: number) => ({ iteration }) as StepReport;

describe('createRunFolder', () => {
  it('writes the config and refuses a folder that holds a run', () => {
    const root = join(temporary(), 'a', 'b');
    const folder = createRunFolder(root, { seed: 1 });
    expect(JSON.parse(readFileSync(folder.config, 'utf8'))).toEqual({ seed: 1 });
    expect(() => createRunFolder(root, {})).toThrow(RunFolderError);
  });

  it('says which path cannot be made', () => {
    const file = join(temporary(), 'file');
    writeFileSync(file, '');
    expect(() => createRunFolder(join(file, 'run'), {})).toThrow(`${join(file, 'run')}`);
  });

  it.skipIf(!existsSync('/proc/self'))('ends where nothing can be made', () => {
    expect(() => createRunFolder('/proc/thinkrl/run', {})).toThrow(
      '/proc/thinkrl/run/chains: cannot be made',
    );
  });
});

describe('writeWhole', () => {
  it('leaves nothing aside and names the path it could not write', () => {
    const path = join(temporary(), 'x.json');
    writeWhole(path, 'one');
    writeWhole(path, 'two');
    expect(readFileSync(path, 'utf8')).toBe('two');
    expect(existsSync(`${path}.writing`)).toBe(false);
    expect(() => writeWhole('/dev/full/x', 'y')).toThrow(RunFolderError);
  });

  it('takes away what a failed write had put aside', () => {
    const folder = temporary();
    const path = join(folder, 'taken');
    mkdirSync(join(path, 'by-a-folder'), { recursive: true });
    expect(() => writeWhole(path, 'y')).toThrow(RunFolderError);
    expect(readdirSync(folder)).toEqual(['taken']);
  });

  it('reports a full disk', () => {
    expect(() => appendMetrics('/dev/full', report(1))).toThrow(/ENOSPC|no space/i);
  });
});

describe('metrics', () => {
  it('reads back what was appended, without a line cut short', () => {
    const path = join(temporary(), 'metrics.jsonl');
    for (const i of [1, 2, 3]) appendMetrics(path, report(i));
    appendFileSync(path, '{"iterat');
    expect(readMetrics(path).map((line) => line.iteration)).toEqual([1, 2, 3]);
    expect(rewindMetrics(path, 2).map((line) => line.iteration)).toEqual([1, 2]);
    expect(readFileSync(path, 'utf8')).toBe('{"iteration":1}\n{"iteration":2}\n');
    expect(readMetrics(join(temporary(), 'none'))).toEqual([]);
  });
});
