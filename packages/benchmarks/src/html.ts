import { type BenchmarkReport, cellTexts, comparabilityOf, type ReportTable } from './report.ts';

const style = `body{margin:0 auto;max-width:1100px;padding:24px;font:15px/1.45 system-ui,sans-serif;color-scheme:light dark}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:3px 9px;text-align:right;border-bottom:1px solid #8886}th:first-child,td:first-child,.note{text-align:left}
.note{color:#888}.verdict{font-weight:600}`;

/** A report as one web page without scripts or outside resources. */
export function htmlReport(report: BenchmarkReport): string {
  const { title, facts, tables, notes } = report;
  const listed = (items: readonly string[]) =>
    `<ul>${items.map((item) => `<li>${escaped(item)}</li>`).join('')}</ul>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title><link rel="icon" href="data:,"><style>${style}</style></head><body>
<h1>${escaped(title)}</h1>
<p class="verdict">${escaped(comparabilityOf(report))}</p>
${listed(Object.entries(facts).map(([name, value]) => `${name}: ${value}`))}
${tables.map(htmlTable).join('\n')}
${notes.length > 0 ? `<h2>Notes</h2>${listed(notes)}` : ''}
</body></html>
`;
}

function htmlTable(table: ReportTable): string {
  const { title, columns, rows } = table;
  const head = ['', ...columns].map((name) => `<th>${escaped(name)}</th>`).join('');
  const body = rows.map((row) => {
    const figures = cellTexts(table, row)
      .map((text) => `<td>${text}</td>`)
      .join('');
    const source = row.note === undefined ? '' : `<td class="note">${escaped(row.note)}</td>`;
    return `<tr><td>${escaped(row.name)}</td>${figures}${source}</tr>`;
  });
  return `<h2>${escaped(title)}</h2><div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character]!);
}
