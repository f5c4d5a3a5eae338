import { type Content, html, type Markup } from './html.ts';

/** A named curve; a null or non-finite value leaves a gap. `values[i]` belongs to `x[i]` of its chart. */
export interface Series {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

/** What {@link lineChart} draws. */
export interface Chart {
  readonly title: string;
  readonly x: readonly number[];
  readonly series: readonly Series[];
  /** Range of the vertical axis; found from the values where it is left out. */
  readonly range?: readonly [number, number];
}

const size = { width: 360, height: 190, left: 46, right: 10, top: 10, bottom: 24 };

/** A line chart as inline SVG with axes, a legend that holds the last values, and a tooltip per iteration. */
export function lineChart({ title, x, series, range }: Chart): Markup {
  const values = series.flatMap((line) => line.values).filter(isNumber);
  const ticks =
    range === undefined
      ? ticksAround(values)
      : [0, 0.25, 0.5, 0.75, 1].map((share) => range[0] + share * (range[1] - range[0]));
  const across = scale([x[0]!, x.at(-1)!], [size.left, size.width - size.right]);
  const up = scale([ticks[0]!, ticks.at(-1)!], [size.height - size.bottom, size.top]);
  return html`<figure class="chart"><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${title}">
${gridLines(ticks, up)}
${xLabels(x, across)}
${series.map((line, i) => curve(line, i, (value, at) => `${across(x[at]!).toFixed(1)},${up(value).toFixed(1)}`))}
${tooltips(x, series, across)}
</svg>${legend(series)}</figure>`;
}

/** A number in at most four significant digits. */
export function shortNumber(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(1);
  return String(Number(value.toPrecision(size >= 100 ? 4 : 3)));
}

function isNumber(value: number | null): value is number {
  return value !== null && Number.isFinite(value);
}

/** Round tick values, three to six of them, that enclose every value. */
function ticksAround(values: readonly number[]): readonly number[] {
  const least = values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (least > most) return [0, 1];
  const spread = most - least || Math.abs(most) || 1;
  const power = 10 ** Math.floor(Math.log10(spread / 4));
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= spread / 4)!;
  const first = Math.floor(least / step);
  const last = Math.max(Math.ceil(most / step), first + 1);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

type Scale = (value: number) => number;

function scale([a, b]: readonly [number, number], [from, to]: readonly [number, number]): Scale {
  const factor = b === a ? 0 : (to - from) / (b - a);
  return (value) => from + (Math.min(Math.max(value, a), b) - a) * factor;
}

function gridLines(ticks: readonly number[], up: Scale): Content {
  return ticks.map((value) => {
    const y = up(value).toFixed(1);
    return html`<line class="grid" x1="${size.left}" x2="${size.width - size.right}" y1="${y}" y2="${y}"/>
<text x="${size.left - 6}" y="${y}" dy="0.32em" text-anchor="end">${shortNumber(value)}</text>`;
  });
}

function xLabels(x: readonly number[], across: Scale): Content {
  const marks = [...new Set([x[0]!, x[Math.floor((x.length - 1) / 2)]!, x.at(-1)!])];
  return marks.map(
    (value) =>
      html`<text x="${across(value).toFixed(1)}" y="${size.height - 6}" text-anchor="middle">${value}</text>`,
  );
}

/** The values as a faint line and their moving mean as a strong one; a single value as a dot. */
function curve(line: Series, index: number, place: (value: number, at: number) => string): Markup {
  const smooth = movingMean(line.values, Math.max(1, Math.floor(line.values.length / 20)));
  const draw = (values: readonly (number | null)[]) =>
    runs(values).map((run) => run.map(([value, at]) => place(value, at)).join(' '));
  const faint = draw(line.values).map((points) => html`<polyline class="raw" points="${points}"/>`);
  const strong = draw(smooth).map(
    (points) => html`<polyline class="mean" points="${points} ${points.split(' ').at(-1)!}"/>`,
  );
  return html`<g class="line c${index % 6}">${faint}${strong}</g>`;
}

function runs(values: readonly (number | null)[]): readonly (readonly (readonly [number, number])[])[] {
  const found: [number, number][][] = [];
  values.forEach((value, at) => {
    if (!isNumber(value)) return;
    const last = found.at(-1);
    if (last !== undefined && last.at(-1)![1] === at - 1) last.push([value, at]);
    else found.push([[value, at]]);
  });
  return found;
}

/** Mean over `reach` values on either side, gaps left out. */
function movingMean(values: readonly (number | null)[], reach: number): readonly (number | null)[] {
  return values.map((value, i) => {
    if (!isNumber(value)) return null;
    const near = values.slice(Math.max(0, i - reach), i + reach + 1).filter(isNumber);
    return near.reduce((sum, v) => sum + v, 0) / near.length;
  });
}

function tooltips(x: readonly number[], series: readonly Series[], across: Scale): Content {
  const step = x.length > 1 ? across(x[1]!) - across(x[0]!) : size.width - size.left;
  return x.map((iteration, i) => {
    const lines = series.map(({ name, values }) => `${name} ${format(values[i] ?? null)}`);
    return html`<rect class="hover" x="${(across(iteration) - step / 2).toFixed(1)}" y="${size.top}" width="${step.toFixed(2)}" height="${
      size.height - size.top - size.bottom
    }"><title>iteration ${iteration}
${lines.join('\n')}</title></rect>`;
  });
}

function legend(series: readonly Series[]): Markup {
  const items = series.map(({ name, values }, i) => {
    const last = values.filter(isNumber).at(-1) ?? null;
    return html`<li class="c${i % 6}"><i></i>${name} <b>${format(last)}</b></li>`;
  });
  return html`<ul class="legend">${items}</ul>`;
}

function format(value: number | null): string {
  return isNumber(value) ? shortNumber(value) : 'none';
}
