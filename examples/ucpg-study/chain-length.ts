import type { Key } from '@thinkrl/spec';
import { longestChain } from '@thinkrl/ucpg';
import type { Curve } from './chart.ts';
import { table } from './markdown.ts';
import { drawGroup, type Population } from './points.ts';
import { mean } from './statistics.ts';

/** Limit of the longest chain of n independent points in k dimensions over n^(1/k): 2 for k = 2, below e for all k. */
export function chainConstantBounds(dimensions: number): readonly [low: number, high: number] {
  if (dimensions === 1) return [1, 1];
  if (dimensions === 2) return [2, 2];
  // Bollobas and Winkler 1988: k^2 / ((k!)^(1/k) Gamma(1/k)) <= c_k < e.
  const factorial = Array.from({ length: dimensions }, (_, i) => i + 1).reduce((a, b) => a * b, 1);
  return [dimensions ** 2 / (factorial ** (1 / dimensions) * gamma(1 / dimensions)), Math.E];
}

/**
 * Factor that correlated normal rewards put on the longest chain: `((1 + (k - 1) rho) / (1 - rho))^((k - 1) / (2k))`,
 * the integral of the k-th root of the density along the diagonal (Deuschel and Zeitouni 1995 for two dimensions).
 */
export function correlationFactor({ dimensions: k, correlation: rho }: Omit<Population, 'samples'>): number {
  return ((1 + (k - 1) * rho) / (1 - rho)) ** ((k - 1) / (2 * k));
}

/** Gamma function for x in (0, 1], by Gamma(x) = Gamma(x + 8) / (x (x + 1) ... (x + 7)) and Stirling's series. */
function gamma(x: number): number {
  const y = x + 8;
  const series = 1 / (12 * y) - 1 / (360 * y ** 3);
  const large = Math.sqrt((2 * Math.PI) / y) * (y / Math.E) ** y * Math.exp(series);
  return Array.from({ length: 8 }, (_, i) => x + i).reduce((value, factor) => value / factor, large);
}

/** Mean length of the longest chain over `groups` random groups; `levels` rounds every reward to so many values. */
export function meanChainLength(
  population: Population,
  { groups, key, levels }: { readonly groups: number; readonly key: Key; readonly levels?: number },
): number {
  const lengths = key.split(groups).map((own) => {
    const rewards = drawGroup(population, own.stream());
    return longestChain(levels === undefined ? rewards : rewards.map((row) => row.map(levelOf(levels))))
      .length;
  });
  return mean(lengths);
}

/** The place of a standard normal number among `levels` equally likely ones. */
function levelOf(levels: number): (value: number) => number {
  return (value) => Math.floor(levels / (1 + Math.exp(-1.702 * value))); // the logistic stands in for the normal
}

const sizes = [4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];
const settings = [2, 3, 4].flatMap((dimensions) =>
  [0, 0.5, 0.8].map((correlation) => ({ dimensions, correlation })),
);

/** What the study says of the length of chains. */
export interface ChainLengthStudy {
  readonly lengths: readonly Curve[];
  readonly shares: readonly Curve[];
  readonly kept: string;
  readonly needed: string;
  readonly constants: string;
}

/** Measures chains over group size, dimensions, correlation and rounding. `effort` scales the number of groups. */
export function studyChainLength(key: Key, effort: number): ChainLengthStudy {
  const groupsOf = (samples: number) => Math.max(2, Math.round((effort * 8000) / samples));
  const measured = settings.map((setting) => {
    const own = key.fold(setting.dimensions).fold(Math.round(100 * setting.correlation));
    const lengths = sizes.map((samples) =>
      meanChainLength({ ...setting, samples }, { groups: groupsOf(samples), key: own.fold(samples) }),
    );
    return { ...setting, lengths };
  });
  return {
    lengths: measured
      .filter(({ dimensions, correlation }) => correlation === 0 || (dimensions === 3 && correlation === 0.5))
      .flatMap((row) => [curveOf(row, row.lengths), theoryOf(row)]),
    shares: measured.map((row) =>
      curveOf(
        row,
        row.lengths.map((length, at) => length / sizes[at]!),
      ),
    ),
    kept: keptTable(measured, key, groupsOf),
    needed: neededTable(measured),
    constants: constantsTable(key, effort),
  };
}

type Measured = (typeof settings)[number] & { readonly lengths: readonly number[] };

const nameOf = ({ dimensions, correlation }: (typeof settings)[number]) =>
  `K = ${dimensions}, corr. ${correlation}`;

function curveOf(row: Measured, values: readonly number[]): Curve {
  return { name: nameOf(row), points: sizes.map((samples, at) => [samples, values[at]!]) };
}

function theoryOf(row: Measured): Curve {
  const [, high] = chainConstantBounds(row.dimensions);
  const factor = high * correlationFactor(row);
  const points = sizes.map((samples) => [samples, factor * samples ** (1 / row.dimensions)] as const);
  return {
    name: `${row.dimensions === 2 ? '2' : 'e'} n^1/${row.dimensions} x ${correlationFactor(row).toFixed(2)}`,
    points,
    theory: true,
  };
}

function keptTable(measured: readonly Measured[], key: Key, groupsOf: (samples: number) => number): string {
  const shown = [4, 8, 16, 32, 64, 256];
  const share = (length: number, samples: number) =>
    `${length.toFixed(1)} (${Math.round((100 * length) / samples)} %)`;
  const rows = measured.map((row) => [
    nameOf(row),
    ...shown.map((samples) => share(row.lengths[sizes.indexOf(samples)]!, samples)),
  ]);
  const coarse = [2, 3, 5].map((levels) => [
    `K = 3, corr. 0.5, ${levels} levels`,
    ...shown.map((samples) => {
      const population = { samples, dimensions: 3, correlation: 0.5 };
      const own = key.fold(`levels ${levels}`).fold(samples);
      return share(meanChainLength(population, { groups: groupsOf(samples), key: own, levels }), samples);
    }),
  ]);
  return table(['rewards', ...shown.map((samples) => `N = ${samples}`)], [...rows, ...coarse]);
}

function neededTable(measured: readonly Measured[]): string {
  const wanted = [3, 4, 6, 8, 12];
  const rows = measured.map(({ lengths, ...row }) => [
    nameOf(row),
    ...wanted.map((length) => sizeFor(lengths, length)),
  ]);
  return table(['rewards', ...wanted.map((length) => `${length} in the chain`)], rows);
}

/** Group size at which the mean chain reaches a length, interpolated in the logarithms. */
function sizeFor(lengths: readonly number[], wanted: number): string {
  const at = lengths.findIndex((length) => length >= wanted);
  if (at < 0) return `> ${sizes.at(-1)}`;
  if (at === 0) return `<= ${sizes[0]}`;
  const [low, high] = [Math.log(lengths[at - 1]!), Math.log(lengths[at]!)];
  const share = (Math.log(wanted) - low) / (high - low);
  return `${Math.ceil(sizes[at - 1]! * (sizes[at]! / sizes[at - 1]!) ** share)}`;
}

function constantsTable(key: Key, effort: number): string {
  const rows = [2, 3, 4, 6].map((dimensions) => {
    const [low, high] = chainConstantBounds(dimensions);
    const ratios = [64, 512, 4096].map((samples) => {
      const groups = Math.max(2, Math.round((effort * 20_000) / samples));
      const own = key.fold('constants').fold(dimensions).fold(samples);
      const length = meanChainLength({ samples, dimensions, correlation: 0 }, { groups, key: own });
      return (length / samples ** (1 / dimensions)).toFixed(2);
    });
    return [`${dimensions}`, ...ratios, low === high ? `${low}` : `${low.toFixed(2)} to ${high.toFixed(2)}`];
  });
  return table(['K', 'N = 64', 'N = 512', 'N = 4096', 'limit c_K'], rows);
}
