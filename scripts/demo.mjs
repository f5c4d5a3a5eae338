#!/usr/bin/env node
// Set-up, then the default micro run in the full mode. Arguments go to `thinkrl train`: --seed --iterations --out --mode ...
import { attach } from './lib/command.mjs';
import { at } from './lib/workspace.mjs';
import { setUp } from './setup.mjs';

const options = process.argv.slice(2);
const requireTorch = options.includes('--require-torch');
const status = await setUp({ requireTorch, types: false });
if (status !== 0) process.exit(status);
const forTraining = options.filter((option) => option !== '--require-torch');
process.exit(
  await attach(process.execPath, [at('packages', 'cli', 'bin', 'thinkrl.mjs'), 'train', ...forTraining]),
);
