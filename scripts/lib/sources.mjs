import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { at, root } from './workspace.mjs';

/** The names of the workspace's packages, in order. */
export const packageNames = () =>
  readdirSync(at('packages'))
    .filter((name) => existsSync(at('packages', name, 'package.json')))
    .sort();

function* filesIn(folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else yield path;
  }
}

/** Every TypeScript file of `packages/<name>/<folder>`, parsed: `{ path, text, tree }`, path relative to the checkout. */
export function parsedSources(folder = 'src') {
  return packageNames()
    .flatMap((name) => [...filesIn(at('packages', name, folder))])
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => {
      const text = readFileSync(path, 'utf8');
      return {
        path: relative(root, path),
        text,
        tree: ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true),
      };
    });
}

/** The value below which the given share (0 to 1) of the numbers lies. */
export function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
