#!/usr/bin/env node
// Set-up, every check, every test. The last line is `N passed, N failed`, with `, N skipped` where some were.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { runChecks } from './lib/checks.mjs';
import { capture } from './lib/command.mjs';
import { at } from './lib/workspace.mjs';
import { setUp } from './setup.mjs';

const results = at('.cache', 'vitest.json');

/** Runs vitest; a file that cannot be loaded counts as one failure. */
async function runTests(filters) {
  rmSync(results, { force: true });
  mkdirSync(at('.cache'), { recursive: true });
  const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${results}`];
  const { status, output } = await capture('vitest', ['run', ...reporters, ...filters]);
  if (!existsSync(results)) {
    console.log(output);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const report = JSON.parse(readFileSync(results, 'utf8'));
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
  const failed = report.numFailedTests + broken;
  if (status !== 0) console.log(output);
  return {
    passed: report.numPassedTests,
    failed: status !== 0 && failed === 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

async function timed(name, act) {
  const start = performance.now();
  const counts = await act();
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(`${name}: ${counts.passed} passed, ${counts.failed} failed in ${seconds} s`);
  return counts;
}

const options = process.argv.slice(2);
const status = await setUp({ requireTorch: options.includes('--require-torch') });
if (status !== 0) process.exit(status);
const filters = options.filter((option) => option !== '--require-torch');
const suites = [
  ...(filters.length === 0 ? [await timed('checks', () => runChecks())] : []),
  await timed('tests', () => runTests(filters)),
];
const sum = (key) => suites.reduce((total, counts) => total + (counts[key] ?? 0), 0);
const skipped = sum('skipped');
console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(sum('failed') === 0 ? 0 : 1);
