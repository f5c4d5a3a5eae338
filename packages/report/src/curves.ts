import { type Chart, lineChart, type Series } from './chart.ts';
import { html, type Markup } from './html.ts';
import type { MetricsLine } from './read-run.ts';

/** The number at a path of names in a metrics line, or null. */
function at(line: MetricsLine, path: readonly string[]): number | null {
  const value = path.reduce<unknown>(
    (inner, name) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[name] : null,
    line,
  );
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** One series per name that ever occurs in the record called `field`. */
function seriesOf(metrics: readonly MetricsLine[], field: string, keep: (name: string) => boolean): Series[] {
  const names = new Set(
    metrics.flatMap((line) => (typeof line[field] === 'object' ? Object.keys(line[field] ?? {}) : [])),
  );
  return [...names].filter(keep).map((name) => series(metrics, name, [field, name]));
}

function series(metrics: readonly MetricsLine[], name: string, path: readonly string[]): Series {
  return { name, values: metrics.map((line) => at(line, path)) };
}

const share = [0, 1] as const;

/** What the oracle counts and does not score. */
const SHARES: readonly string[] = ['idle', 'disagreement'];

function charts(metrics: readonly MetricsLine[]): readonly Omit<Chart, 'x'>[] {
  const one = (name: string, ...path: string[]) => series(metrics, name, path);
  const all = (field: string, keep = (_: string) => true) => seriesOf(metrics, field, keep);
  const modules = (field: string) => [
    one('understanding', 'understanding', field),
    one('generation', 'generation', field),
  ];
  return [
    { title: 'Reward as the policy sees it', series: all('rewards') },
    {
      title: 'Exact scores (oracle, never trained on)',
      series: all('oracle', (name) => !SHARES.includes(name)),
    },
    {
      title: 'Kept by the grouping, asked for a fix, idle edits, answers against the exact judge',
      series: [
        one('kept', 'keptShare'),
        one('fix', 'fixShare'),
        ...SHARES.map((name) => one(name, 'oracle', name)),
      ],
      range: share,
    },
    {
      title: 'KL to the reference: understanding, nats',
      series: [one('understanding', 'understanding', 'kl')],
    },
    {
      title: 'KL to the reference: generation, per element',
      series: [one('generation', 'generation', 'kl')],
    },
    { title: 'Token entropy, nats', series: [one('understanding', 'understanding', 'entropy')] },
    { title: 'Gradient norm before clipping', series: modules('gradientNorm') },
    { title: 'Clipped share', series: modules('clipFraction') },
    { title: 'Seconds per iteration', series: all('seconds') },
    { title: 'Counts: left out of grouping, or not parsable', series: all('dropped') },
  ];
}

/** Every curve that has a value in the metrics. */
export function curves(metrics: readonly MetricsLine[]): Markup {
  if (metrics.length === 0) return html`<p class="missing">No iteration has been logged.</p>`;
  const x = metrics.map((line) => line.iteration);
  const drawn = charts(metrics)
    .map((chart) => ({
      ...chart,
      series: chart.series.filter(({ values }) => values.some((v) => v !== null)),
      x,
    }))
    .filter((chart) => chart.series.length > 0);
  return html`<div class="charts">${drawn.map(lineChart)}</div>`;
}
