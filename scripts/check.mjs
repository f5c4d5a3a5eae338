#!/usr/bin/env node
// Every check that reads the code without running it: types, lint, cycles, dead code, budgets, READMEs, packages.
import { runChecks } from './lib/checks.mjs';
import { setUp } from './setup.mjs';

const status = await setUp();
if (status !== 0) process.exit(status);
const { passed, failed } = await runChecks({ verbose: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
