/** Red, green and blue in [0, 1]. */
export type Colour = readonly [red: number, green: number, blue: number];

/** The six colours that plain things come in. */
export const COLOURS = {
  red: [0.85, 0.12, 0.12],
  green: [0.15, 0.62, 0.2],
  blue: [0.15, 0.3, 0.85],
  yellow: [0.97, 0.86, 0.1],
  purple: [0.55, 0.15, 0.65],
  orange: [0.97, 0.46, 0.05],
} as const satisfies Readonly<Record<string, Colour>>;

/** The four light backgrounds; a scene has one. */
export const BACKGROUNDS: readonly Colour[] = [
  [0.96, 0.94, 0.86],
  [0.8, 0.89, 0.97],
  [0.84, 0.95, 0.83],
  [0.86, 0.86, 0.89],
];

/** Letters of the sprites and their colours; `.` is background, `X` the thing's own colour. */
export const INKS: Readonly<Record<string, Colour>> = {
  k: [0.1, 0.1, 0.12],
  w: [1, 1, 1],
  f: [1, 0.55, 0],
  y: [1, 0.9, 0.3],
  c: [0.93, 0.9, 0.98],
  g: [0.45, 0.45, 0.5],
  i: [0.36, 0.7, 0.97],
  u: [0.2, 0.5, 0.95],
  n: [0.45, 0.28, 0.12],
  t: [0.75, 0.38, 0.2],
  e: [0.2, 0.65, 0.2],
  p: [0.95, 0.3, 0.6],
  o: [0.6, 0.6, 0.65],
  r: [0.85, 0.12, 0.12],
  b: [0.62, 0.33, 0.25],
  d: [0.42, 0.2, 0.15],
};
