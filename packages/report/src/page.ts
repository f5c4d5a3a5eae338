import { shortNumber } from './chart.ts';
import { curves } from './curves.ts';
import { gallery } from './gallery.ts';
import { html, Markup } from './html.ts';
import { judgeGuard } from './judge-guard.ts';
import type { Run } from './read-run.ts';
import { scoreTables } from './scores.ts';
import { style } from './style.ts';

/** The whole page of a run as text: no scripts, no outside resources. */
export function page(run: Run): string {
  const title = `thinkrl run ${run.name}`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><link rel="icon" href="data:,"><style>${new Markup(style)}</style></head><body>
<h1>${title}</h1>${facts(run)}${conflictNotice(run)}${notes(run)}
<h2>Before and after</h2>${scoreTables(run.summary)}
${judgeGuard(run.summary)}
<h2>Curves</h2>${curves(run.metrics)}
<h2>Chains</h2>${gallery(run.chains, run.pictures)}
<h2>Settings</h2>${settings(run.config)}
</body></html>
`.text;
}

function facts({ summary, metrics, config }: Run): Markup {
  const number = (value: number | undefined) => (value === undefined ? null : shortNumber(value));
  const share = summary?.keptShare;
  const known: readonly (readonly [string, string | null])[] = [
    ['seed', number(summary?.seed ?? setting(config, 'seed', 'number'))],
    ['mode', setting(config, 'mode', 'string') ?? null],
    ['judge', setting(config, 'judge', 'string') ?? null],
    ['iterations', number(summary?.iterations ?? metrics.at(-1)?.iteration)],
    ['engine', summary?.engine ?? null],
    ...Object.entries(summary?.seconds ?? {}).map(
      ([name, value]) => [`${name}, s`, shortNumber(value)] as const,
    ),
    ['chains/s', number(summary?.chainsPerSecond)],
    ['kept', share === undefined ? null : `${(100 * share).toFixed(0)} %`],
  ];
  const shown = known.filter(([, value]) => value !== null);
  return html`<ul class="facts">${shown.map(([name, value]) => html`<li><span>${name}</span> ${value}</li>`)}</ul>`;
}

/** The setting `name` when it has the given type; settings stand at the top of `config.json` or under `config`. */
function setting(config: unknown, name: string, type: 'number'): number | undefined;
function setting(config: unknown, name: string, type: 'string'): string | undefined;
function setting(config: unknown, name: string, type: string): unknown {
  if (typeof config !== 'object' || config === null) return undefined;
  const settings = config as Record<string, unknown>;
  const value = settings[name] ?? setting(settings.config, name, type as 'string');
  return typeof value === type ? value : undefined;
}

function conflictNotice({ config }: Run): Markup | false {
  if (setting(config, 'judge', 'string') !== 'conflict') return false;
  return html`<p class="notes">Judge preset <b>conflict</b>: its rewards are built to mislead a naive sum. Read the exact scores, not the rewards.</p>`;
}

function notes({ notes }: Run): Markup | false {
  if (notes.length === 0) return false;
  const shown = notes.slice(0, 20);
  const more = notes.length - shown.length;
  return html`<div class="notes"><p>This run folder is not complete:</p><ul>${shown.map((note) => html`<li>${note}</li>`)}${
    more > 0 && html`<li>and ${more} more</li>`
  }</ul></div>`;
}

function settings(config: unknown): Markup {
  if (config === null) return html`<p class="missing">No settings were found.</p>`;
  return html`<pre>${JSON.stringify(config, null, 2)}</pre>`;
}
