import type { Options } from 'tsup';

/** The one build recipe of every package: ESM and CJS beside it, with types for both. */
export function library(entry: Record<string, string> = { index: 'src/index.ts' }): Options {
  return {
    entry,
    format: ['esm', 'cjs'],
    target: 'node20',
    dts: { compilerOptions: { customConditions: [], ignoreDeprecations: '5.0' } },
    sourcemap: true,
    clean: true,
    splitting: true,
    shims: true,
  };
}
