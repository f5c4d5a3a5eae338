#!/usr/bin/env node
// Set-up, every check, every test. The last line is `N passed, N failed`, with `, N skipped` where some were.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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

/**
 * Runs tfjs-core's own suite on the torch engine. Specs on its list of known failures count as skipped; a failure that is
 * not on the list, or a listed one that passes, counts as failed.
 */
async function runConformance(...variant) {
  const folder = at('packages', 'tfjs-backend-torch');
  if (!existsSync(join(folder, 'build', 'thinkrl_torch.node'))) {
    console.log('conformance: left out, there is no torch engine');
    return { passed: 0, failed: 0, skipped: 1 };
  }
  const { status, output } = await capture('pnpm', ['--silent', 'conformance', ...variant]);
  const counts = /^(\d+) passed, (\d+) failed, (\d+) skipped$/m.exec(output)?.slice(1).map(Number);
  if (status !== 0 || counts === undefined) console.log(output.trimEnd());
  if (counts === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const [passed, known, skipped] = counts;
  const problems = output
    .split('\n')
    .filter((line) => /^(new failure|listed as failing|\d+ specs ran)/.test(line));
  const failed = status === 0 ? 0 : Math.max(1, problems.length);
  return { passed, failed, skipped: skipped + Math.max(0, known - failed) };
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
  ...(filters.length === 0
    ? [
        await timed('tfjs-core conformance', () => runConformance()),
        await timed('tfjs-core conformance, readSync throwing', () => runConformance('--async')),
      ]
    : []),
];
const sum = (key) => suites.reduce((total, counts) => total + (counts[key] ?? 0), 0);
const skipped = sum('skipped');
console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(sum('failed') === 0 ? 0 : 1);
