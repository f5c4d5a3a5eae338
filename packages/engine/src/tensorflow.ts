import { createRequire } from 'node:module';
import { backend, findBackend, version_core } from '@tensorflow/tfjs-core';
import type { EngineReport } from './report.ts';

/** What TensorFlow's Node packages have in common; their own types are not needed. */
interface TensorFlowModule {
  readonly version?: Readonly<Record<string, string>>;
}

/** Loads a CommonJS package by name. */
type Load = (name: string) => unknown;

/** In the order in which they are tried. */
const packages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

/**
 * Registers TensorFlow's own engine from the package that the user has installed, the one for GPUs first. Its threads
 * are TensorFlow's to choose.
 *
 * @throws Error that says what to install, or why what is installed does not work.
 */
export async function startTensorFlow(
  threads: number,
  load: Load = createRequire(import.meta.url),
): Promise<EngineReport> {
  for (const name of packages) {
    const installed = loadInstalled(name, load);
    if (installed === null) continue;
    if (findBackend('tensorflow') == null)
      throw new Error(
        `${name} brought a tfjs-core of its own: install its version for tfjs-core ${version_core}`,
      );
    return {
      name: 'tensorflow',
      version: installed.version?.['tfjs-node'] ?? version_core,
      origin: name,
      threads,
      device: name.endsWith('-gpu') && usesGpu() ? 'cuda:0' : 'cpu',
    };
  }
  throw new Error(`neither package is installed: npm install ${packages.join(' or ')}`);
}

/** The module, or null when it is not installed. Throws when it is and does not load. */
function loadInstalled(name: string, load: Load): TensorFlowModule | null {
  try {
    return load(name) as TensorFlowModule;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'MODULE_NOT_FOUND' && message.includes(`'${name}'`)) return null;
    const [reason] = message.split('\n');
    throw new Error(`${name} is installed but does not load (${reason}): npm rebuild ${name}`, { cause });
  }
}

function usesGpu(): boolean {
  return (backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
}
