import { defineConfig } from 'vitest/config';

export default defineConfig({
  ssr: { resolve: { conditions: ['@thinkrl/source', 'module', 'node', 'development|production'] } },
  resolve: { conditions: ['@thinkrl/source'] },
  test: {
    include: ['packages/*/{src,test}/**/*.test.ts', 'examples/*/*.test.ts'],
    exclude: ['**/conformance/**', '**/node_modules/**'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
