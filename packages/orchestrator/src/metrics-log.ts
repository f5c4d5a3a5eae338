import { appendFileSync } from 'node:fs';
import type { StepReport } from '@thinkrl/spec';
import { RunFolderError } from './error.ts';
import { readIfPresent, writeWhole } from './run-folder.ts';
import { writeProblem } from './write-problem.ts';

/** Appends one report as a line of `metrics.jsonl`. @throws RunFolderError when it cannot be written. */
export function appendMetrics(path: string, report: StepReport): void {
  const line = Buffer.from(`${JSON.stringify(report)}\n`);
  try {
    appendFileSync(path, line);
  } catch (cause) {
    const problem = writeProblem(cause, { path, bytes: line.length });
    throw new RunFolderError(path, `cannot be written: ${problem}`, { cause });
  }
}

/** The reports of a `metrics.jsonl`; a last line cut short by a crash is left out. */
export function readMetrics(path: string): readonly StepReport[] {
  const lines = (readIfPresent(path) ?? '').split('\n').slice(0, -1);
  return lines.map((line, i) => {
    try {
      return JSON.parse(line) as StepReport;
    } catch (cause) {
      throw new RunFolderError(path, `line ${i + 1} is not JSON`, { cause });
    }
  });
}

/** Drops every line after `iteration`: what a run did between its last checkpoint and its end is done again. */
export function rewindMetrics(path: string, iteration: number): readonly StepReport[] {
  const kept = readMetrics(path).filter((report) => report.iteration <= iteration);
  writeWhole(path, kept.map((report) => `${JSON.stringify(report)}\n`).join(''));
  return kept;
}
