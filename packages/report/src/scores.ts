import { html, type Markup } from './html.ts';
import type { RunSummary, Scores } from './summary.ts';

const titles: Readonly<Record<string, string>> = {
  if: 'instruction',
  id: 'in domain',
  ood: 'out of domain',
};

interface Row {
  readonly name: string;
  readonly before: Scores | undefined;
  readonly after: Scores | undefined;
}

/** Scores before and after training with their change in points: by split, then by category. */
export function scoreTables(summary: RunSummary | null): Markup {
  if (summary === null) return html`<p class="missing">No summary: the run has not ended.</p>`;
  const splits = [...new Set([...Object.keys(summary.before ?? {}), ...Object.keys(summary.after ?? {})])];
  const bySplit = splits.map((name) => ({
    name: titles[name] ?? name,
    before: summary.before?.[name],
    after: summary.after?.[name],
  }));
  const byCategory = Object.entries(summary.perCategory ?? {}).map(([name, scores]) => ({ name, ...scores }));
  if (bySplit.length + byCategory.length === 0)
    return html`<p class="missing">The summary holds no evaluation.</p>`;
  return html`${table('split', bySplit)}${table('category', byCategory)}`;
}

function table(kind: string, rows: readonly Row[]): Markup | null {
  if (rows.length === 0) return null;
  const names = [...new Set(rows.flatMap(({ before, after }) => Object.keys({ ...before, ...after })))];
  const shown = names.filter((name) =>
    rows.some(({ before, after }) => isShown(before, name) || isShown(after, name)),
  );
  return html`<div class="scroll"><table class="scores"><thead><tr><th>${kind}</th>${shown.map(
    (name) => html`<th colspan="3">${titles[name] ?? name}</th>`,
  )}</tr><tr class="sub"><th></th>${shown.map(() => html`<th>before</th><th>after</th><th></th>`)}</tr></thead>
<tbody>${rows.map(
    (
      row,
    ) => html`<tr><th>${row.name}</th>${shown.map((name) => cells(row.before?.[name], row.after?.[name]))}</tr>
`,
  )}</tbody></table></div>`;
}

function isShown(scores: Scores | undefined, name: string): boolean {
  return typeof scores?.[name] === 'number';
}

function cells(before: number | null | undefined, after: number | null | undefined): Markup {
  const text = (value: number | null | undefined) => (typeof value === 'number' ? value.toFixed(1) : 'none');
  if (typeof before !== 'number' || typeof after !== 'number')
    return html`<td>${text(before)}</td><td>${text(after)}</td><td></td>`;
  const change = after - before;
  const mark = `${change >= 0 ? '+' : '\u2212'}${Math.abs(change).toFixed(1)}`;
  return html`<td>${text(before)}</td><td>${text(after)}</td><td class="${change >= 0 ? 'up' : 'down'}">${mark}</td>`;
}
