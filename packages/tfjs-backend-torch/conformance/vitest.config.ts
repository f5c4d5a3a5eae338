import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** tfjs-core's own suite, inlined so that its extensionless ES modules resolve. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  resolve: {
    mainFields: ['module', 'main'],
    conditions: ['@thinkrl/source'],
    // tfjs-core's test helpers import it without declaring it.
    alias: { 'jasmine-core': createRequire(import.meta.url).resolve('jasmine-core') },
  },
  ssr: { resolve: { conditions: ['@thinkrl/source', 'module', 'node'] } },
  test: {
    globals: true,
    include: ['suite.test.ts'],
    pool: 'forks',
    testTimeout: 20_000,
    hookTimeout: 20_000,
    server: { deps: { inline: [/@tensorflow\/tfjs-core/, /tfjs-backend-torch/] } },
  },
});
