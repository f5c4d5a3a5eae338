// Runs tfjs-core's suite (--async: with readSync throwing; --engine cuda: on a GPU), compares the failing names with
// expected-failures.txt both ways, prints the counts last.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const options = new Set(process.argv.slice(2));
const asyncOnly = options.has('--async');
const cuda = options.has('cuda') || options.has('--engine=cuda');
/** Specs in tfjs-core 4.22.0; some need synchronous reads and are left out by the variant without them. */
const expectedTotal = asyncOnly ? 4170 : 4230;
const here = dirname(fileURLToPath(import.meta.url));
const build = join(here, '..', 'build');
const output = join(build, 'conformance.json');
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');

/** Every spec of the run: full name and status. */
function runSuite() {
  mkdirSync(build, { recursive: true });
  const args = [
    vitest,
    'run',
    '--config',
    join(here, 'vitest.config.ts'),
    '--reporter=json',
    `--outputFile=${output}`,
  ];
  rmSync(output, { force: true });
  const run = spawnSync(process.execPath, args, {
    cwd: here,
    env: {
      ...process.env,
      THINKRL_CONFORMANCE_ASYNC: asyncOnly ? '1' : '0',
      THINKRL_CONFORMANCE_DEVICE: cuda ? (process.env.THINKRL_DEVICE ?? 'cuda:0') : 'cpu',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (!existsSync(output)) throw new Error(`the suite did not run: ${run.stderr}`);
  const report = JSON.parse(readFileSync(output, 'utf8'));
  return report.testResults.flatMap((file) => file.assertionResults);
}

function readList(path) {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.trim());
  return new Set(lines.filter((line) => line !== '' && !line.startsWith('#')));
}

function main() {
  const specs = runSuite();
  const byStatus = (status) => specs.filter((spec) => spec.status === status);
  const failed = byStatus('failed');
  const passed = byStatus('passed').length;
  const skipped = specs.length - failed.length - passed;
  const names = new Set(failed.map((spec) => spec.fullName));
  const expected = readList(join(here, 'expected-failures.txt'));
  const problems = [];
  for (const spec of failed) {
    const reason = (spec.failureMessages[0] ?? '').split('\n')[0];
    if (!expected.has(spec.fullName)) problems.push(`new failure: ${spec.fullName}\n    ${reason}`);
  }
  for (const name of expected)
    if (!names.has(name)) problems.push(`listed as failing but passes or is gone: ${name}`);
  if (specs.length !== expectedTotal) problems.push(`${specs.length} specs ran, expected ${expectedTotal}`);
  for (const line of problems) console.log(line);
  console.log(`${passed} passed, ${failed.length} failed, ${skipped} skipped`);
  process.exit(problems.length === 0 ? 0 : 1);
}

main();
