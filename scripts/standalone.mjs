#!/usr/bin/env node
// Installs each algorithm package, packed as it would be published, into an empty project and runs its README example
// there: as type-checked ESM TypeScript and as CJS JavaScript. Third-party packages come from pnpm's store where it has
// them.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { run } from './lib/command.mjs';
import { at } from './lib/workspace.mjs';

const algorithms = ['ucpg', 'grpo-core', 'edit-generator', 'served', 'cot-sampler', 'checklist-reward'];
const scope = '@thinkrl/';
const folderOf = (name) => name.slice(scope.length);

/** The first TypeScript example of a package's README. */
function exampleOf(name) {
  return readFileSync(at('packages', folderOf(name), 'README.md'), 'utf8').match(/```ts\n([\s\S]*?)```/)[1];
}

/** Its import declarations as text, the packages they name, and the code below them. */
function partsOf(code) {
  const tree = ts.createSourceFile('example.ts', code, ts.ScriptTarget.ES2022, true);
  const imports = tree.statements.filter(ts.isImportDeclaration);
  const packages = imports.map(({ moduleSpecifier }) =>
    moduleSpecifier.text.split('/').slice(0, 2).join('/'),
  );
  return {
    imports: imports.map((statement) => statement.getText(tree)).join('\n'),
    packages: [...new Set(packages)],
    body: code.slice(imports.at(-1)?.end ?? 0),
  };
}

const tarballs = new Map();

/** Packs a workspace package and all it depends on, once; resolves to `{ path, manifest }` as published. */
async function pack(name, folder) {
  if (tarballs.has(name)) return tarballs.get(name);
  const own = join(folder, folderOf(name));
  mkdirSync(own);
  await run('pnpm', ['pack', '--pack-destination', own], { cwd: at('packages', folderOf(name)) });
  const path = join(own, readdirSync(own)[0]);
  const manifest = JSON.parse(await run('tar', ['-xzOf', path, 'package/package.json']));
  tarballs.set(name, { path, manifest });
  for (const dependency of Object.keys(manifest.dependencies ?? {}))
    if (dependency.startsWith(scope)) await pack(dependency, folder);
  return tarballs.get(name);
}

/** Makes an empty project with the package, and what else its example imports, installed from tarballs. */
async function createProject(name, { folder, packages }) {
  const { manifest } = await pack(name, folder);
  for (const other of packages) if (other.startsWith(scope)) await pack(other, folder);
  const versionOf = (dependency) =>
    tarballs.has(dependency) ? `file:${tarballs.get(dependency).path}` : manifest.dependencies[dependency];
  const project = join(folder, `use-${folderOf(name)}`);
  mkdirSync(project);
  const overrides = Object.fromEntries([...tarballs].map(([other, { path }]) => [other, `file:${path}`]));
  const dependencies = Object.fromEntries(packages.map((dependency) => [dependency, versionOf(dependency)]));
  const own = { name: 'empty', private: true, type: 'module', dependencies, pnpm: { overrides } };
  writeFileSync(join(project, 'package.json'), JSON.stringify(own));
  await run('pnpm', ['install', '--prefer-offline', '--ignore-workspace', '--no-frozen-lockfile'], {
    cwd: project,
  });
  return project;
}

const compilerOptions = {
  target: 'es2022',
  lib: ['es2023', 'dom'],
  module: 'nodenext',
  strict: true,
  skipLibCheck: true,
  types: [],
};

/** Type-checks and runs the example as ESM TypeScript, then runs it as CJS JavaScript. */
async function runExample(project, code) {
  writeFileSync(join(project, 'example.ts'), code);
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['example.ts'] }));
  await run('tsc', ['-p', project], { cwd: project });
  await run('node', ['example.js'], { cwd: project });
  const { imports, body } = partsOf(code);
  const { outputText } = ts.transpileModule(`${imports}\nasync function main() {${body}}\nvoid main();`, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS },
  });
  writeFileSync(join(project, 'example.cjs'), outputText);
  await run('node', ['example.cjs'], { cwd: project });
}

/** What is wrong with the installed `ucpg`, which must bring nothing along. */
function companions(project) {
  const { dependencies, peerDependencies, optionalDependencies } = tarballs.get(`${scope}ucpg`).manifest;
  const declared = Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies });
  const installed = readdirSync(join(project, 'node_modules', '.pnpm')).filter((entry) =>
    entry.includes('@'),
  );
  return [...declared, ...installed.filter((entry) => !entry.startsWith('@thinkrl+ucpg@'))];
}

async function check(name, folder) {
  const code = exampleOf(name);
  const project = await createProject(name, { folder, packages: partsOf(code).packages });
  await runExample(project, code);
  const extra = name === `${scope}ucpg` ? companions(project) : [];
  if (extra.length > 0) throw new Error(`brings along ${extra.join(', ')}`);
}

const names = process.argv.length > 2 ? process.argv.slice(2) : algorithms;
await run('turbo', [
  'run',
  'build',
  ...names.map((name) => `--filter=${scope}${name}`),
  `--filter=${scope}engine`,
]);
const folder = mkdtempSync(join(tmpdir(), 'thinkrl-standalone-'));
let failed = 0;
for (const name of names) {
  try {
    await check(`${scope}${name}`, folder);
    console.log(`ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}: ${error.message}\n${error.output ?? ''}`);
  }
}
rmSync(folder, { recursive: true, force: true });
console.log(`${names.length - failed} of ${names.length} packages run their README example on their own`);
process.exit(failed === 0 ? 0 : 1);
