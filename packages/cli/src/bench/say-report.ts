import { resolve } from 'node:path';
import type { BenchmarkReport } from '@thinkrl/benchmarks';
import type { Output } from '../output.ts';

const mostNotes = 5;

/** Says what a report comes to: its first table, what is missing and where the rest is. */
export async function sayReport(
  output: Output,
  report: BenchmarkReport,
  files: readonly string[],
): Promise<void> {
  const { textTable } = await import('@thinkrl/benchmarks');
  output.record({ type: 'end', ...report, files: files.map((file) => resolve(file)) });
  output.say(report.title);
  for (const [name, value] of Object.entries(report.facts)) output.say(`  ${name}: ${value}`);
  for (const reason of report.notComparable) output.say(`  not comparable with published numbers: ${reason}`);
  for (const table of report.tables.slice(0, 1)) for (const text of textTable(table)) output.say(text);
  for (const note of report.notes.slice(0, mostNotes)) output.note(note);
  if (report.notes.length > mostNotes)
    output.note(`and ${report.notes.length - mostNotes} more notes in the report`);
  for (const file of files) output.say(`report: ${resolve(file)}`);
}
