import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { at } from './workspace.mjs';

const skipped = new Set(['node_modules', 'dist', 'build', '.turbo', '.git', 'fixtures']);

function* filesUnder(path) {
  if (!existsSync(path)) return;
  if (!statSync(path).isDirectory()) {
    yield path;
    return;
  }
  for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1)))
    if (!skipped.has(entry.name)) yield* filesUnder(join(path, entry.name));
}

/** A hash of the names and contents of files and folders (relative to the checkout) and of further texts. */
export function contentHash(paths, texts = []) {
  const hash = createHash('sha256');
  for (const path of paths)
    for (const file of filesUnder(at(path))) hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
  for (const text of texts) hash.update(`${text}\0`);
  return hash.digest('hex');
}

const stampFile = (name) => at('.cache', 'setup', `${name}.stamp`);

/** Whether the step `name` was finished with exactly this hash. */
export function isStamped(name, hash) {
  return existsSync(stampFile(name)) && readFileSync(stampFile(name), 'utf8') === hash;
}

/** Records that the step `name` is finished; written aside and renamed, so a stamp is never half there. */
export function stamp(name, hash) {
  const file = stampFile(name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, hash);
  renameSync(`${file}.new`, file);
}

/** Forgets the step `name`: call before its outputs are touched. */
export function unstamp(name) {
  rmSync(stampFile(name), { force: true });
}
