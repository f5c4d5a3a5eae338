#!/usr/bin/env node
// Packs every package as it would be published and checks it with publint and Are The Types Wrong.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { run } from './lib/command.mjs';
import { packageNames } from './lib/sources.mjs';
import { at } from './lib/workspace.mjs';

async function pack(name, folder) {
  await run('pnpm', ['pack', '--pack-destination', folder], { cwd: at('packages', name) });
  const [file] = readdirSync(folder);
  return readFileSync(join(folder, file));
}

const words = ({ kind, entrypoint, resolutionKind }) =>
  [kind, entrypoint, resolutionKind].filter(Boolean).join(' ');

/** Everything either tool has against the package, one line each. */
async function problemsOf(name) {
  const folder = mkdtempSync(join(tmpdir(), 'thinkrl-pack-'));
  try {
    const data = await pack(name, folder);
    const manifest = JSON.parse(readFileSync(at('packages', name, 'package.json'), 'utf8'));
    const tarball = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
    const types = await checkPackage(createPackageFromTarballData(new Uint8Array(tarball)));
    return [
      ...messages.map((message) => `publint: ${formatMessage(message, pkg ?? manifest, { color: false })}`),
      ...(types.types === false
        ? ['attw: no types']
        : types.problems.map((problem) => `attw: ${words(problem)}`)),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

let failed = 0;
const names = process.argv.length > 2 ? process.argv.slice(2) : packageNames();
for (const name of names) {
  const problems = await problemsOf(name);
  if (problems.length > 0) failed += 1;
  for (const problem of problems) console.log(`FAIL ${name}: ${problem}`);
}
console.log(`${names.length - failed} of ${names.length} packages pass publint and attw`);
process.exit(failed === 0 ? 0 : 1);
