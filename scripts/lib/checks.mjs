import { readdirSync } from 'node:fs';
import { capture } from './command.mjs';
import { at } from './workspace.mjs';

const sourceFolders = () => readdirSync(at('packages')).map((name) => `packages/${name}/src`);

/** The checks that read the code without running it: what they prove and the command that does. */
const checks = [
  { name: 'types (tsc)', command: () => ['tsc', '-p', 'tsconfig.json'] },
  { name: 'lint and format (biome)', command: () => ['biome', 'check', '--error-on-warnings', '.'] },
  {
    name: 'cycles and layers (dependency-cruiser)',
    command: () => ['depcruise', '--config', '.dependency-cruiser.cjs', ...sourceFolders()],
  },
  { name: 'dead code (knip)', command: () => ['knip', '--no-config-hints'] },
  { name: 'style budgets', command: () => ['node', 'scripts/style.mjs'], always: true },
  { name: 'README examples', command: () => ['node', 'scripts/readme.mjs'] },
  { name: 'published packages (publint, attw)', command: () => ['node', 'scripts/packages.mjs'] },
];

async function runCheck({ name, command, always }, verbose) {
  const start = performance.now();
  const [program, ...args] = command();
  const { status, output } = await capture(program, args);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(42)} ${seconds.padStart(6)} s`);
  if (status !== 0 || (verbose && always)) console.log(output.trimEnd().replaceAll(/^/gm, '     '));
  return status === 0;
}

/** Runs every check, two at a time, and prints a table. Resolves to `{ passed, failed }`. */
export async function runChecks({ verbose = false } = {}) {
  const queue = [...checks];
  const counts = { passed: 0, failed: 0 };
  const worker = async () => {
    for (let check = queue.shift(); check !== undefined; check = queue.shift())
      counts[(await runCheck(check, verbose)) ? 'passed' : 'failed'] += 1;
  };
  await Promise.all([worker(), worker()]);
  return counts;
}
