#!/usr/bin/env node
// Size, duplication and documentation budgets of packages/*/src. Prints a table; exits with 1 when one is broken.
import ts from 'typescript';
import { parsedSources, quantile } from './lib/sources.mjs';

const budgets = { functionP95: 60, fileP95: 300, duplicatePercent: 3, undocumented: 0, parameters: 3 };
const windowLines = 6;

const lineOf = (tree, position) => tree.getLineAndCharacterOfPosition(position).line + 1;

function functionName(node) {
  if (node.name) return node.name.getText();
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  return node.parent?.name?.getText?.() ?? 'anonymous';
}

function functionsOf({ path, tree }) {
  const found = [];
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body) {
      const first = lineOf(tree, node.getStart());
      const lines = lineOf(tree, node.getEnd()) - first + 1;
      found.push({
        at: `${path}:${first}`,
        name: functionName(node),
        lines,
        parameters: node.parameters.length,
      });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** The code of a file line by line: comments, blank lines and imports dropped, spaces levelled. */
function codeLines({ path, tree }) {
  const lines = new Map();
  const visit = (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isJSDoc(node)) return;
    const children = node.getChildren(tree);
    if (children.length > 0) {
      children.forEach(visit);
      return;
    }
    let line = lineOf(tree, node.getStart(tree));
    for (const part of node.getText(tree).split('\n')) {
      if (part.trim() !== '') lines.set(line, `${lines.get(line) ?? ''} ${part.trim()}`);
      line += 1;
    }
  };
  visit(tree);
  return [...lines].sort(([a], [b]) => a - b).map(([line, text]) => ({ at: `${path}:${line}`, text }));
}

/** Code lines that lie in a window of six already seen, in this file or an earlier one. */
function duplicates(sources) {
  const seen = new Map();
  const places = new Map();
  let total = 0;
  let repeated = 0;
  for (const source of sources) {
    const lines = codeLines(source);
    const hit = new Set();
    for (let i = 0; i + windowLines <= lines.length; i++) {
      const window = lines
        .slice(i, i + windowLines)
        .map((line) => line.text)
        .join('\n');
      const earlier = seen.get(window);
      if (earlier === undefined) seen.set(window, lines[i].at);
      else {
        for (let k = i; k < i + windowLines; k++) hit.add(k);
        if (!hit.has(i - 1)) places.set(lines[i].at, earlier);
      }
    }
    total += lines.length;
    repeated += hit.size;
  }
  return { total, percent: (100 * repeated) / Math.max(1, total), places: [...places] };
}

const isExported = (node) =>
  ts.canHaveModifiers(node) && ts.getModifiers(node)?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword);

const hasDoc = (node) =>
  ts.getJSDocCommentsAndTags(node).some((doc) => ts.isJSDoc(doc) && doc.comment !== undefined);

function undocumented({ path, tree }) {
  const nodes = tree.statements.filter(isExported);
  const overloaded = new Set(nodes.filter(hasDoc).map((node) => node.name?.getText()));
  return nodes
    .filter((node) => !hasDoc(node) && !(node.name && overloaded.has(node.name.getText())))
    .map((node) => `${path}:${lineOf(tree, node.getStart())}`);
}

const sources = parsedSources();
const functions = sources.flatMap(functionsOf);
const fileLengths = sources.map(({ path, text }) => ({ at: path, lines: text.split('\n').length - 1 }));
const repeats = duplicates(sources);
const bare = sources.flatMap(undocumented);
const exported = sources.flatMap(({ tree }) => tree.statements.filter(isExported)).length;
const wide = functions.filter((f) => f.parameters > budgets.parameters);

const functionP95 = quantile(
  functions.map((f) => f.lines),
  0.95,
);
const fileP95 = quantile(
  fileLengths.map((f) => f.lines),
  0.95,
);
const rows = [
  ['function lines p95', functionP95, `<= ${budgets.functionP95}`, functionP95 <= budgets.functionP95],
  ['file lines p95', fileP95, `<= ${budgets.fileP95}`, fileP95 <= budgets.fileP95],
  [
    'duplication %',
    repeats.percent.toFixed(2),
    `< ${budgets.duplicatePercent}`,
    repeats.percent < budgets.duplicatePercent,
  ],
  [
    'undocumented exports',
    `${bare.length} of ${exported}`,
    `<= ${budgets.undocumented}`,
    bare.length <= budgets.undocumented,
  ],
  ['functions with > 3 parameters', wide.length, '', true],
];

console.log(`${sources.length} files, ${functions.length} functions, ${repeats.total} code lines`);
for (const [measure, value, budget, good] of rows)
  console.log(`${good ? 'ok  ' : 'FAIL'} ${measure.padEnd(30)} ${String(value).padStart(12)}  ${budget}`);
console.log('longest functions:');
for (const f of [...functions].sort((a, b) => b.lines - a.lines).slice(0, 5))
  console.log(`     ${String(f.lines).padStart(4)}  ${f.name}  ${f.at}`);
console.log('longest files:');
for (const f of [...fileLengths].sort((a, b) => b.lines - a.lines).slice(0, 5))
  console.log(`     ${String(f.lines).padStart(4)}  ${f.at}`);
for (const place of bare.slice(0, 20)) console.log(`undocumented: ${place}`);
for (const f of wide.slice(0, 10)) console.log(`${f.parameters} parameters: ${f.name} ${f.at}`);
for (const [place, earlier] of repeats.places.slice(0, 10))
  console.log(`repeated: ${place} as at ${earlier}`);
process.exit(rows.every(([, , , good]) => good) ? 0 : 1);
