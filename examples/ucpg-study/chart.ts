/** A named curve; `[x, y]` in the units of its chart. */
export interface Curve {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Drawn as a dashed grey line: theory beside measurement. */
  readonly theory?: boolean;
}

/** A line chart. */
export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Both axes logarithmic. */
  readonly logarithmic?: boolean;
  readonly curves: readonly Curve[];
}

const frame = { width: 640, height: 380, left: 62, right: 160, top: 36, bottom: 46 };
const colours = [
  '#2458a6',
  '#c2571a',
  '#2a8452',
  '#8a3f9e',
  '#a08400',
  '#b0305c',
  '#3b8ea5',
  '#6b6b6b',
  '#111111',
];

interface Axis {
  readonly ticks: readonly number[];
  place(value: number): number;
}

/** The chart as a stand-alone SVG document. */
export function lineChart(chart: Chart): string {
  const { curves, logarithmic = false } = chart;
  const points = curves.flatMap((curve) => curve.points);
  const across = axis(
    points.map(([x]) => x),
    { from: frame.left, to: frame.width - frame.right, logarithmic },
  );
  const up = axis(
    points.map(([, y]) => y),
    { from: frame.height - frame.bottom, to: frame.top, logarithmic },
  );
  const measured = curves.filter((curve) => !curve.theory);
  const colour = (curve: Curve) =>
    curve.theory ? '#999999' : colours[measured.indexOf(curve) % colours.length]!;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${frame.width} ${frame.height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(chart.title)}</title>`,
    `<rect width="${frame.width}" height="${frame.height}" fill="#ffffff"/>`,
    text({ x: frame.left, y: 20, content: chart.title, extra: 'font-size="14" font-weight="bold"' }),
    ...grid(across, up),
    text({
      x: (frame.left + frame.width - frame.right) / 2,
      y: frame.height - 10,
      content: chart.xLabel,
      extra: 'text-anchor="middle"',
    }),
    text({
      x: -frame.height / 2,
      y: 14,
      content: chart.yLabel,
      extra: 'text-anchor="middle" transform="rotate(-90)"',
    }),
    ...curves.map((curve) =>
      line(curve, colour(curve), (x, y) => `${across.place(x).toFixed(1)},${up.place(y).toFixed(1)}`),
    ),
    ...curves.map((curve, at) => legend(curve, colour(curve), at)),
    '</svg>',
    '',
  ].join('\n');
}

function axis(
  values: readonly number[],
  { from, to, logarithmic }: { readonly from: number; readonly to: number; readonly logarithmic: boolean },
): Axis {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const ticks = logarithmic ? powersOfTwo(least, most) : evenTicks(least, most);
  const measure = logarithmic ? Math.log : (value: number) => value;
  const [low, high] = [measure(Math.min(least, ticks[0]!)), measure(Math.max(most, ticks.at(-1)!))];
  return { ticks, place: (value) => from + ((measure(value) - low) / (high - low)) * (to - from) };
}

function powersOfTwo(least: number, most: number): readonly number[] {
  const [first, last] = [Math.floor(Math.log2(least)), Math.ceil(Math.log2(most))];
  const step = Math.max(1, Math.ceil((last - first) / 8));
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, at) => 2 ** (first + at * step));
}

function evenTicks(least: number, most: number): readonly number[] {
  const power = 10 ** Math.floor(Math.log10((most - least) / 4));
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= (most - least) / 4)!;
  const first = Math.floor(least / step + 1e-9);
  const last = Math.ceil(most / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(6)));
}

function grid(across: Axis, up: Axis): readonly string[] {
  const [right, bottom] = [frame.width - frame.right, frame.height - frame.bottom];
  return [
    ...up.ticks.flatMap((value) => {
      const y = up.place(value).toFixed(1);
      return [
        `<line x1="${frame.left}" x2="${right}" y1="${y}" y2="${y}" stroke="#e3e3e3"/>`,
        text({ x: frame.left - 6, y: Number(y) + 4, content: `${value}`, extra: 'text-anchor="end"' }),
      ];
    }),
    ...across.ticks.map((value) =>
      text({ x: across.place(value), y: bottom + 16, content: `${value}`, extra: 'text-anchor="middle"' }),
    ),
  ];
}

function line(curve: Curve, colour: string, place: (x: number, y: number) => string): string {
  const path = curve.points.map(([x, y]) => place(x, y)).join(' ');
  const dash = curve.theory ? ' stroke-dasharray="5 4"' : '';
  return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`;
}

function legend(curve: Curve, colour: string, at: number): string {
  const [x, y] = [frame.width - frame.right + 12, frame.top + 12 + 17 * at];
  const dash = curve.theory ? ' stroke-dasharray="5 4"' : '';
  return `<line x1="${x}" x2="${x + 18}" y1="${y - 4}" y2="${y - 4}" stroke="${colour}" stroke-width="2"${dash}/>
${text({ x: x + 24, y, content: curve.name, extra: '' })}`;
}

interface Label {
  readonly x: number;
  readonly y: number;
  readonly content: string;
  readonly extra: string;
}

function text({ x, y, content, extra }: Label): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="#333333" ${extra}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
