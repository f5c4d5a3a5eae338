#!/usr/bin/env node
// Compiles native/*.cc against libtorch into build/thinkrl_torch.node, or where THINKRL_TORCH_ADDON says. Run it again at
// any time: it does only what changed.
import { execFile, execFileSync } from 'node:child_process';
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
import { createRequire } from 'node:module';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isWhole } from './whole.mjs';

const root = dirname(fileURLToPath(import.meta.url));
const native = join(root, 'native');
const target = process.env.THINKRL_TORCH_ADDON ?? join(root, 'build', 'thinkrl_torch.node');
const build = dirname(target);
const run = promisify(execFile);
const compiler = process.env.CXX ?? 'g++';

/** Prints one line and ends with code 2: something outside this package is missing. */
function giveUp(line) {
  console.error(`tfjs-backend-torch: ${line}`);
  process.exit(2);
}

/** Where libtorch is: headers, libraries and who brought it. */
function findTorch() {
  const places = [() => fromFolder(process.env.LIBTORCH, 'LIBTORCH'), fromPython, fromSystem];
  for (const place of places) {
    const found = place();
    if (found) return found;
  }
  return giveUp(
    'no libtorch found. Debian or Ubuntu: apt-get install libtorch-dev libopenblas-dev; elsewhere: pip install torch, or set LIBTORCH to an unpacked libtorch.',
  );
}

function fromFolder(folder, origin) {
  if (!folder) return undefined;
  const include = [join(folder, 'include'), join(folder, 'include/torch/csrc/api/include')];
  if (existsSync(join(folder, 'lib')) && existsSync(join(include[0], 'ATen/ATen.h'))) {
    return { origin, include, lib: join(folder, 'lib'), rpath: true, oldAbi: oldAbiOf(folder) };
  }
  return giveUp(`${origin} is ${folder}, which has no include/ATen/ATen.h and lib/`);
}

/** The version of the headers, as [major, minor], and the text it was read from. */
function versionOf(torch) {
  const files = ['torch/headeronly/version.h', 'torch/version.h'];
  const text = torch.include
    .flatMap((folder) => files.map((name) => join(folder, name)))
    .concat('/usr/include/torch/version.h')
    .filter(existsSync)
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  const part = (name) => Number(new RegExp(`define TORCH_VERSION_${name} (\\d+)`).exec(text)?.[1] ?? 0);
  return { numbers: [part('MAJOR'), part('MINOR')], text };
}

/** Wheels before 2.6 use the pre-C++11 string ABI; their own config says so. */
function oldAbiOf(folder) {
  const config = join(folder, 'share/cmake/Torch/TorchConfig.cmake');
  return existsSync(config) && /_GLIBCXX_USE_CXX11_ABI=0/.test(readFileSync(config, 'utf8'));
}

function fromPython() {
  try {
    const code = 'import torch, os; print(os.path.dirname(torch.__file__))';
    const folder = execFileSync('python3', ['-c', code], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const path = folder.trim();
    return existsSync(join(path, 'include/ATen/ATen.h'))
      ? fromFolder(path, `python3 torch (${path})`)
      : undefined;
  } catch {
    return undefined;
  }
}

function fromSystem() {
  if (!existsSync('/usr/include/ATen/ATen.h')) return undefined;
  const folders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib'];
  const lib = folders.find((folder) => existsSync(join(folder, 'libtorch.so')));
  const include = ['/usr/include/torch/csrc/api/include'];
  return lib && { origin: `system (${lib})`, include, lib, rpath: false, oldAbi: false };
}

/** Whether a library exports a name that begins so (in the compiler's spelling). */
function exportsName(torch, library, name) {
  const path = join(torch.lib, library);
  if (!existsSync(path)) return false;
  try {
    execFileSync('grep', ['-q', '-F', name, path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Flags for process groups: of Gloo where libtorch has c10d, of NCCL where CUDA's headers are there as well. */
function collectiveFlags(torch) {
  const header = 'torch/csrc/distributed/c10d/ProcessGroupGloo.hpp';
  const folders = [...torch.include, '/usr/include'];
  const has = folders.some((folder) => existsSync(join(folder, header)));
  if (!has || !exportsName(torch, 'libtorch_cpu.so', 'N4c10d16ProcessGroupGlooC')) return [];
  const flags = ['-DTHINKRL_C10D', '-DUSE_C10D_GLOO', '-isystem', join(native, 'declared')];
  const cuda = cudaFolders(torch);
  return cuda === undefined || !exportsName(torch, 'libtorch_cuda.so', 'N4c10d16ProcessGroupNCCLC')
    ? flags
    : [...flags, '-DTHINKRL_NCCL', '-DUSE_C10D_NCCL', ...cuda.flatMap((folder) => ['-isystem', folder])];
}

/** One header of each package that c10d's NCCL needs: runtime, compiler, libraries. */
const cudaHeaders = [
  'cuda_runtime_api.h',
  'crt/host_config.h',
  'cusparse.h',
  'cublas_v2.h',
  'cusolverDn.h',
  'nccl.h',
];

/** Where CUDA's and NCCL's headers are: beside torch as pip brings them, else in CUDA's own folder. */
function cudaFolders(torch) {
  const beside = join(dirname(dirname(torch.lib)), 'nvidia');
  const packages = existsSync(beside) ? readdirSync(beside).map((name) => join(beside, name, 'include')) : [];
  const own = ['/usr/local/cuda/include', '/usr/include'];
  const find = (name) => [...packages, ...own].find((folder) => existsSync(join(folder, name)));
  const found = cudaHeaders.map(find);
  return found.includes(undefined) ? undefined : [...new Set(found)];
}

function packageFolder(name, path) {
  return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), path);
}

function compileFlags(torch, [major, minor]) {
  const include = [
    packageFolder('node-api-headers', 'include'),
    packageFolder('node-addon-api', '.'),
    ...torch.include,
  ];
  const flags = [
    '-O3',
    '-march=native',
    major > 2 || (major === 2 && minor >= 10) ? '-std=c++20' : '-std=c++17',
    '-fPIC',
    '-fno-math-errno',
    '-fno-trapping-math',
    '-fopenmp',
  ];
  flags.push('-ffp-contract=fast', '-w', '-DNAPI_VERSION=8', '-DNODE_ADDON_API_DISABLE_DEPRECATED');
  flags.push(`-D_GLIBCXX_USE_CXX11_ABI=${torch.oldAbi ? 0 : 1}`);
  return [...flags, ...collectiveFlags(torch), ...include.flatMap((folder) => ['-isystem', folder])];
}

function linkFlags(torch) {
  const has = (name) => existsSync(join(torch.lib, `lib${name}.so`));
  const names = ['torch', 'torch_cpu', 'c10', 'torch_cuda', 'c10_cuda'].filter(has);
  const flags = [
    '-shared',
    '-fopenmp',
    `-L${torch.lib}`,
    '-Wl,--no-as-needed',
    ...names.map((name) => `-l${name}`),
  ];
  return torch.rpath ? [...flags, `-Wl,-rpath,${torch.lib}`] : flags;
}

function digest(...parts) {
  return parts.reduce((hash, part) => hash.update(part).update('\0'), createHash('sha256')).digest('hex');
}

/** What an output was made from: the hash that its `.key` file begins with. */
function keyOf(output) {
  const file = `${output}.key`;
  return existsSync(file) ? readFileSync(file, 'utf8').split(' ')[0] : '';
}

/** Removes what compilers of a killed build left behind. */
function sweep() {
  for (const name of readdirSync(build)) {
    const pid = /\.(\d+)\.tmp$/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(build, name), { force: true });
  }
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Makes `output` unless it is there, whole, from the same `key`. */
async function produce(output, key, args) {
  if (keyOf(output) === key && isWhole(output)) return false;
  rmSync(`${output}.key`, { force: true });
  const aside = `${output}.${process.pid}.tmp`;
  try {
    await run(compiler, [...args, '-o', aside], { maxBuffer: 1 << 26 });
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
  renameSync(aside, output);
  writeFileSync(`${output}.key`, `${key} ${statSync(output).size}`);
  return true;
}

/** The torch headers, parsed once for all families. */
function precompile(flags, key) {
  const header = join(build, 'prelude.h');
  const text = readFileSync(join(native, 'prelude.h'));
  if (!existsSync(header) || digest(readFileSync(header)) !== digest(text)) writeFileSync(header, text);
  return produce(join(build, 'prelude.h.gch'), digest(key, text), [...flags, '-x', 'c++-header', header]);
}

async function compileAll(flags, key) {
  const headers = readdirSync(native, { recursive: true }).filter((name) => name.endsWith('.h'));
  const shared = digest(key, ...headers.sort().map((name) => readFileSync(join(native, name))));
  const sources = readdirSync(native)
    .filter((name) => name.endsWith('.cc'))
    .sort();
  const queue = [...sources];
  const failures = [];
  const worker = async () => {
    for (let name = queue.shift(); name; name = queue.shift()) {
      const path = join(native, name);
      const args = [...flags, '-include', join(build, 'prelude.h'), '-c', path];
      await produce(join(build, `${name}.o`), digest(shared, readFileSync(path)), args).catch((error) =>
        failures.push(error),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, worker));
  if (failures.length > 0) throw new Error(failures.map((error) => error.stderr ?? String(error)).join('\n'));
  return sources.map((name) => join(build, `${name}.o`));
}

async function main() {
  const started = Date.now();
  let version = '';
  try {
    version = execFileSync(compiler, ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    giveUp(`no C++ compiler found (tried ${compiler}). Debian or Ubuntu: apt-get install g++; or set CXX.`);
  }
  const torch = findTorch();
  mkdirSync(build, { recursive: true });
  sweep();
  const torchVersion = versionOf(torch);
  const flags = compileFlags(torch, torchVersion.numbers);
  // -march=native: what was built for one processor is not for another.
  const processor = cpus()[0]?.model ?? '';
  const key = digest(version, processor, JSON.stringify(torch), torchVersion.text, ...flags);
  await precompile(flags, key);
  const objects = await compileAll(flags, key);
  const linkKey = digest(key, ...objects.map((path) => keyOf(path)));
  const changed = await produce(target, linkKey, [...objects, ...linkFlags(torch)]);
  const origin = join(build, 'origin.json');
  writeFileSync(
    `${origin}.new`,
    `${JSON.stringify({ origin: torch.origin, compiler: version.split('\n')[0] })}\n`,
  );
  renameSync(`${origin}.new`, origin);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (changed) console.log(`tfjs-backend-torch: built against ${torch.origin} in ${seconds} s`);
}

await main().catch((error) => {
  console.error(error.stderr ?? error.message);
  process.exit(1);
});
