import { ConfigError } from '@thinkrl/spec';

/** Width and depth of one micro transformer. */
export interface MicroSize {
  readonly width: number;
  readonly blocks: number;
  readonly heads: number;
}

/** The understander that is shipped: 872 thousand parameters. */
export const UNDERSTANDER_SIZE: MicroSize = { width: 128, blocks: 4, heads: 4 };

/** The editor that is shipped: 1.78 million parameters. */
export const EDITOR_SIZE: MicroSize = { width: 128, blocks: 5, heads: 4 };

/** Throws {@link ConfigError} unless every size is a positive integer and the heads divide the width. */
export function checkSize({ width, blocks, heads }: MicroSize): void {
  for (const [field, value] of Object.entries({ width, blocks, heads }))
    if (!Number.isInteger(value) || value < 1)
      throw new ConfigError({ field, value, fix: 'use a positive integer' });
  if (width % heads !== 0)
    throw new ConfigError({ field: 'heads', value: heads, fix: `use a divisor of ${width}` });
}
