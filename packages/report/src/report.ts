import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ReportError } from './error.ts';
import { page } from './page.ts';
import { readRun } from './read-run.ts';
import { writeWhole } from './write-whole.ts';

/**
 * Turns a run folder into one web page, `report/index.html` inside it, that needs no network and no server.
 *
 * Reads `config.json`, `metrics.jsonl`, `summary.json` and `chains/step-N.json` with their pictures; whatever is
 * missing or damaged is said on the page. Resolves to the path of the page.
 *
 * @throws ReportError when there is no such folder or the page cannot be written.
 * @example
 * console.log(await buildReport('runs/demo')); // runs/demo/report/index.html
 */
export async function buildReport(runDirectory: string): Promise<string> {
  const text = page(await readRun(runDirectory));
  const path = join(runDirectory, 'report', 'index.html');
  try {
    await mkdir(join(runDirectory, 'report'), { recursive: true });
  } catch (cause) {
    throw new ReportError(path, `cannot be written: ${(cause as Error).message}`, { cause });
  }
  await writeWhole(path, text);
  return path;
}
