import { cellTexts, type ReportTable } from './report.ts';

/** A table as aligned lines of plain text, its title first; sources are left out. */
export function textTable(table: ReportTable): readonly string[] {
  const { title, columns, rows } = table;
  const cells = [['', ...columns], ...rows.map((row) => [row.name, ...cellTexts(table, row)])];
  const widths = ['', ...columns].map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!);
  return [title, ...cells.map((row) => row.map(pad).join('  '))];
}
