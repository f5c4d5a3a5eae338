#!/usr/bin/env node
// Every package README is one sentence and one TypeScript example; the example must be the code that a test executes.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { packageNames } from './lib/sources.mjs';
import { at } from './lib/workspace.mjs';

const block = /```ts\n([\s\S]*?)```/g;

/** Imports as `module: name` and the other code without comments, spaces and trailing commas. */
function parts(code, { dropExpectations = false } = {}) {
  const tree = ts.createSourceFile('example.ts', code, ts.ScriptTarget.ES2022, true);
  const imports = new Set();
  let rest = '';
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) {
      for (const name of importedNames(node)) imports.add(`${node.moduleSpecifier.text}: ${name}`);
      return;
    }
    if (ts.isJSDoc(node)) return;
    if (dropExpectations && ts.isExpressionStatement(node) && /^(await )?expect\b/.test(node.getText(tree)))
      return;
    const children = node.getChildren(tree);
    if (children.length > 0) children.forEach(visit);
    else rest += node.getText(tree).replaceAll(/\s+/g, '');
  };
  visit(tree);
  return { imports, rest: rest.replaceAll(/,([)\]}])/g, '$1') };
}

function importedNames(node) {
  const clause = node.importClause;
  if (!clause) return ['(side effect)'];
  const bindings = clause.namedBindings;
  const named =
    bindings === undefined
      ? []
      : ts.isNamespaceImport(bindings)
        ? [`* as ${bindings.name.text}`]
        : bindings.elements.map((e) => e.name.text);
  return clause.name ? [clause.name.text, ...named] : named;
}

function testFiles(folder, ending = '.test.ts') {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => readFileSync(`${folder}/${name}`, 'utf8'));
}

/** Why the README's example is not the tested one, or null. */
function problem(readme, tests) {
  const examples = [...readFileSync(readme, 'utf8').matchAll(block)].map((match) => match[1]);
  if (examples.length === 0) return 'no ```ts example';
  const tested = tests.map((text) => parts(text, { dropExpectations: true }));
  for (const example of examples) {
    const { imports, rest } = parts(example);
    const found = tested.some(
      (test) => test.rest.includes(rest) && [...imports].every((name) => test.imports.has(name)),
    );
    if (!found) return 'no test executes its example word for word';
  }
  return null;
}

const examples = existsSync(at('examples'))
  ? readdirSync(at('examples')).flatMap((name) => testFiles(at('examples', name), '.ts')) // run by their own tests
  : [];
const readmes = [
  ...packageNames().map((name) => ({
    path: `packages/${name}/README.md`,
    tests: testFiles(at('packages', name, 'test')),
  })),
  ...(existsSync(at('README.md'))
    ? [{ path: 'README.md', tests: [...examples, ...testFiles(at('packages', 'recipes', 'test'))] }]
    : []),
];
let failed = 0;
for (const { path, tests } of readmes) {
  const why = existsSync(at(path)) ? problem(at(path), tests) : 'missing';
  if (why === null) continue;
  failed += 1;
  console.log(`FAIL ${path}: ${why}`);
}
console.log(`${readmes.length - failed} of ${readmes.length} READMEs show tested examples`);
process.exit(failed === 0 ? 0 : 1);
