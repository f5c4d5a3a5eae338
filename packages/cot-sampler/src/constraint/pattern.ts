import { ConfigError } from '@thinkrl/spec';

/** A range of byte values, both ends included. */
export type ByteRange = readonly [low: number, high: number];

/** A regular language over the bytes of UTF-8 text; built with {@link literal}, {@link sequence} and the others. */
export type Pattern =
  | { readonly kind: 'byte'; readonly ranges: readonly ByteRange[] }
  | { readonly kind: 'sequence'; readonly parts: readonly Pattern[] }
  | { readonly kind: 'choice'; readonly options: readonly Pattern[] }
  | { readonly kind: 'repeat'; readonly pattern: Pattern; readonly least: number; readonly most: number };

/** Exactly this text. */
export function literal(text: string): Pattern {
  const bytes = new TextEncoder().encode(text);
  return sequence(...Array.from(bytes, (byte) => oneByte([byte, byte])));
}

/**
 * One byte in any of the ranges.
 *
 * @throws ConfigError when there is no range, or one is no range of bytes.
 */
export function oneByte(...ranges: readonly ByteRange[]): Pattern {
  const isByte = (value: number) => Number.isInteger(value) && value >= 0 && value <= 255;
  if (ranges.length === 0 || !ranges.every(([low, high]) => isByte(low) && isByte(high) && low <= high))
    throw new ConfigError({ field: 'ranges', value: ranges, fix: 'use pairs from 0 to 255 in order' });
  return { kind: 'byte', ranges };
}

/** All parts one after the other. */
export function sequence(...parts: readonly Pattern[]): Pattern {
  return { kind: 'sequence', parts };
}

/**
 * One of the options.
 *
 * @throws ConfigError when there is none.
 */
export function choice(...options: readonly Pattern[]): Pattern {
  if (options.length === 0)
    throw new ConfigError({ field: 'options', value: [], fix: 'give at least one pattern to choose' });
  return { kind: 'choice', options };
}

/**
 * `least` to `most` times the pattern, which without bounds is any number of times.
 *
 * @throws ConfigError when the bounds are no whole numbers in order.
 * @example
 * const word = repeat(oneByte([97, 122]), { least: 1 }); // a to z
 */
export function repeat(
  pattern: Pattern,
  { least = 0, most = Number.POSITIVE_INFINITY }: { readonly least?: number; readonly most?: number } = {},
): Pattern {
  if (!Number.isInteger(least) || least < 0)
    throw new ConfigError({ field: 'least', value: least, fix: 'use a whole number of at least 0' });
  if (!(most >= least && (Number.isInteger(most) || most === Number.POSITIVE_INFINITY)))
    throw new ConfigError({ field: 'most', value: most, fix: `use a whole number of at least ${least}` });
  return { kind: 'repeat', pattern, least, most };
}
