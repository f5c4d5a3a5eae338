import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunFolderError, runFolder } from '@thinkrl/orchestrator';
import { expect, it } from 'vitest';
import { readEvaluations } from '../src/summary.ts';

it('names a damaged evaluation; a missing one is none', () => {
  const folder = runFolder(mkdtempSync(join(tmpdir(), 'summary-')));
  expect(readEvaluations(folder)).toEqual({});
  writeFileSync(join(folder.root, 'evaluation-before.json'), '{"id"');
  expect(() => readEvaluations(folder)).toThrow(RunFolderError);
  expect(() => readEvaluations(folder)).toThrow(/evaluation-before.json: is damaged/);
});
