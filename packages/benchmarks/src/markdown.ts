import { type BenchmarkReport, cellTexts, comparabilityOf, type ReportTable } from './report.ts';

/** A report as a Markdown page. */
export function markdownReport(report: BenchmarkReport): string {
  const { title, facts, tables, notes } = report;
  return [
    `# ${escaped(title)}`,
    `**${escaped(comparabilityOf(report))}**`,
    Object.entries(facts)
      .map(([name, value]) => `- ${escaped(name)}: ${escaped(value)}`)
      .join('\n'),
    ...tables.map((table) => `## ${escaped(table.title)}\n\n${markdownTable(table)}`),
    ...(notes.length > 0 ? [`## Notes\n\n${notes.map((note) => `- ${escaped(note)}`).join('\n')}`] : []),
    '',
  ].join('\n\n');
}

function markdownTable(table: ReportTable): string {
  const { columns, rows } = table;
  const noted = rows.some(({ note }) => note !== undefined);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(['', ...columns, ...(noted ? ['source'] : [])]),
    line(['---', ...columns.map(() => '---:'), ...(noted ? ['---'] : [])]),
    ...rows.map((row) =>
      line([escaped(row.name), ...cellTexts(table, row), ...(noted ? [escaped(row.note ?? '')] : [])]),
    ),
  ].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|#]/g, '\\$&').replaceAll(/\s+/g, ' ');
}
