import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isWhole } from '../../packages/tfjs-backend-torch/whole.mjs';
import { aptInstall, aptPrefix } from './apt.mjs';
import { CommandError, capture, run, tail } from './command.mjs';
import { findLibtorch } from './libtorch.mjs';
import { contentHash, isStamped, stamp, unstamp } from './stamp.mjs';
import { at, manifest, tools } from './workspace.mjs';

/** A set-up problem whose message is all there is to say. */
class SetupError extends Error {
  code = 'THINKRL_SETUP';
}

const packageFolders = () =>
  readdirSync(at('packages')).filter((name) => existsSync(at('packages', name, 'package.json')));

const eachPackage = (...names) =>
  packageFolders().flatMap((name) => names.map((part) => `packages/${name}/${part}`));

const exampleManifests = () =>
  existsSync(at('examples'))
    ? readdirSync(at('examples')).map((name) => `examples/${name}/package.json`)
    : [];

/** A step that is needed until its hash is stamped and `ready` holds; the stamp is taken away while it runs. */
function stamped(name, hash, ready, act) {
  if (isStamped(name, hash) && ready()) return null;
  return {
    act: async () => {
      unstamp(name);
      await act();
      stamp(name, hash);
    },
  };
}

function planNode() {
  const wanted = manifest.engines.node.replace('>=', '').split('.').map(Number);
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > wanted[0] || (major === wanted[0] && minor >= wanted[1])) return null;
  throw new SetupError(`Node ${process.versions.node} is too old: install Node ${wanted.join('.')} or newer`);
}

function planPnpm({ onStart }) {
  const version = manifest.packageManager.split('@')[1];
  const entry = join(tools, 'node_modules', 'pnpm', 'package.json');
  const ready = () => existsSync(entry) && JSON.parse(readFileSync(entry, 'utf8')).version === version;
  return stamped('pnpm', version, ready, async () => {
    mkdirSync(tools, { recursive: true });
    writeFileSync(join(tools, 'package.json'), `${JSON.stringify({ private: true })}\n`);
    await run(
      'npm',
      [
        'install',
        '--prefix',
        tools,
        '--no-audit',
        '--no-fund',
        '--no-save',
        '--loglevel=error',
        `pnpm@${version}`,
      ],
      { cwd: tools, onStart },
    );
    if (!ready()) throw new SetupError(`npm ended well but pnpm ${version} is not in ${tools}`);
  });
}

function planDependencies({ onStart }) {
  const hash = contentHash([
    'package.json',
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    '.npmrc',
    'bench/package.json',
    ...eachPackage('package.json'),
    ...exampleManifests(),
  ]);
  const ready = () =>
    existsSync(at('node_modules', '.modules.yaml')) && existsSync(at('node_modules', '.bin', 'turbo'));
  return stamped('dependencies', hash, ready, () =>
    run('pnpm', ['install', '--frozen-lockfile', '--reporter=append-only'], { onStart }),
  );
}

const advice =
  'apt-get install libtorch-dev libopenblas0 libopenblas-dev (Debian, Ubuntu), pip install torch, or set LIBTORCH to a libtorch folder';

function withoutTorch({ say, requireTorch }, reason) {
  if (requireTorch) throw new SetupError(`${reason}: ${advice}`);
  say(`${reason}; going on with the slower wasm engine. For torch: ${advice}`);
}

async function planLibtorch(context) {
  const found = await findLibtorch();
  if (found !== null && !found.lacksBlas) return null;
  const missing =
    found === null ? 'libtorch was not found' : "Debian's libtorch lacks OpenBLAS (matmul 30 times slower)";
  const prefix = await aptPrefix();
  if (prefix === null) {
    if (found === null)
      withoutTorch(context, `${missing} and cannot be installed without apt and root or passwordless sudo`);
    else context.say(`${missing}: apt-get install libopenblas0`);
    return null;
  }
  const packages = [...(found === null ? ['libtorch-dev'] : []), 'libopenblas0', 'libopenblas-dev'];
  return {
    act: async () => {
      try {
        await aptInstall(prefix, packages, context.onStart);
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        context.say(`${error.message}:\n${tail(error.output, 4)}`);
        withoutTorch(context, missing);
      }
    },
  };
}

const addon = 'packages/tfjs-backend-torch';

async function planAddon(context) {
  const found = await findLibtorch();
  if (found === null || !existsSync(at(addon, 'build.mjs'))) return null;
  const hash = contentHash(
    [`${addon}/native`, `${addon}/build.mjs`, `${addon}/package.json`],
    [found.kind, found.path, process.env.CXX ?? ''],
  );
  const built = () => isWhole(at(addon, 'build', 'thinkrl_torch.node'));
  return stamped('addon', hash, built, async () => {
    const { status, output } = await capture(process.execPath, [at(addon, 'build.mjs')], {
      onStart: context.onStart,
    });
    if (status === 0) return;
    if (status !== 2) throw new CommandError({ line: `node ${addon}/build.mjs`, status, output });
    withoutTorch(context, output.trim().split('\n').at(-1));
  });
}

/** Builds code and types, or code alone, which is enough to run; types are never thrown away to do that. */
function planBuild({ onStart, types }) {
  const hash = contentHash([
    ...eachPackage('src', 'package.json', 'tsup.config.ts', 'tsconfig.json'),
    'turbo.json',
    'tsconfig.base.json',
    'tsup.config.base.ts',
    'pnpm-lock.yaml',
  ]);
  const ready = () => packageFolders().every((name) => existsSync(at('packages', name, 'dist')));
  if (!types && isStamped('build', hash) && ready()) return null;
  return stamped(types ? 'build' : 'build-code', hash, ready, () => {
    unstamp(types ? 'build-code' : 'build');
    const env = types ? {} : { THINKRL_BUILD: 'code' };
    return run('turbo', ['run', 'build', '--output-logs=errors-only', '--ui=stream'], { env, onStart });
  });
}

/**
 * The set-up, in order. `plan(context)` returns null where nothing is to do, else `{ act }`; it may be asynchronous
 * and may throw an error whose message says what to mend.
 */
export const steps = [
  { title: 'checking Node', plan: async () => planNode() },
  { title: 'installing pnpm into .tools', plan: async (context) => planPnpm(context) },
  { title: 'installing dependencies', plan: async (context) => planDependencies(context) },
  { title: 'installing libtorch and OpenBLAS', plan: planLibtorch },
  { title: 'compiling the torch addon', plan: planAddon },
  { title: 'building the packages', plan: async (context) => planBuild(context) },
];
