#!/usr/bin/env node
import { existsSync } from 'node:fs';

const built = new URL('../dist/index.js', import.meta.url);
if (!existsSync(built)) {
  console.error('thinkrl is not built yet: run `npm run setup` at the top of the checkout');
  process.exit(1);
}
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
const { main } = await import(built.href);
process.exitCode = await main(process.argv.slice(2));
