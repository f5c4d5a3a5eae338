import { join } from 'node:path';
import { htmlReport } from './html.ts';
import { markdownReport } from './markdown.ts';
import type { BenchmarkReport } from './report.ts';
import { writeWhole } from './write-whole.ts';

/** Writes a report as `report.md`, `report.json` and `report.html`; resolves to their paths. */
export async function writeReport(out: string, report: BenchmarkReport): Promise<readonly string[]> {
  const contents = { md: markdownReport(report), json: jsonText(report), html: htmlReport(report) };
  const files = Object.entries(contents).map(([ending, text]) => ({
    path: join(out, `report.${ending}`),
    text,
  }));
  for (const { path, text } of files) await writeWhole(path, text);
  return files.map(({ path }) => path);
}

/** A value as an indented JSON file. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
