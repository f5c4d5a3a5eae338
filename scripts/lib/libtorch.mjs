import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { capture } from './command.mjs';

const libraryFolders = () => {
  const multiarch = existsSync('/usr/lib')
    ? readdirSync('/usr/lib')
        .filter((name) => name.includes('-linux-'))
        .map((name) => join('/usr/lib', name))
    : [];
  return [...multiarch, '/usr/lib64', '/usr/lib', '/usr/local/lib', '/opt/homebrew/lib'];
};

const inLibraryFolders = (name) => libraryFolders().some((folder) => existsSync(join(folder, name)));

async function pythonTorch() {
  const { status, output } = await capture('python3', [
    '-c',
    'import importlib.util as u; s = u.find_spec("torch"); print(s.submodule_search_locations[0] if s else "")',
  ]);
  const folder = output.trim().split('\n').at(-1) ?? '';
  return status === 0 && existsSync(join(folder, 'include', 'ATen', 'ATen.h')) ? folder : null;
}

/**
 * Where libtorch is, in the order LIBTORCH, python3's torch, the system: `{ kind, path }`, or null if there is none.
 *
 * `lacksBlas` says that the system's libtorch would run without OpenBLAS, many times slower.
 */
export async function findLibtorch() {
  const { LIBTORCH } = process.env;
  if (LIBTORCH) return { kind: 'LIBTORCH', path: LIBTORCH, lacksBlas: false };
  const torch = await pythonTorch();
  if (torch !== null) return { kind: 'python3', path: torch, lacksBlas: false };
  const system = ['libtorch.so', 'libtorch.dylib'].some(inLibraryFolders);
  if (!system) return null;
  return {
    kind: 'system',
    path: '',
    lacksBlas: process.platform === 'linux' && !inLibraryFolders('libopenblas.so.0'),
  };
}
