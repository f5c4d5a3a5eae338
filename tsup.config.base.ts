import type { Options } from 'tsup';

/**
 * The one build recipe of every package: ESM and CJS beside it, with types for both. `THINKRL_BUILD=code` leaves the
 * types out, which is three quarters of the time.
 */
export function library(entry: Record<string, string> = { index: 'src/index.ts' }): Options {
  return {
    entry,
    format: ['esm', 'cjs'],
    target: 'node20',
    dts:
      process.env.THINKRL_BUILD !== 'code' &&
      ({ compilerOptions: { customConditions: [], ignoreDeprecations: '5.0' } } as const),
    sourcemap: true,
    clean: true,
    splitting: true,
    shims: true,
  };
}
