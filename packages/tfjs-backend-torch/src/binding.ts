import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TorchMissingError } from './error.ts';

/** Bytes and counts behind {@link memoryStatistics}. */
export interface NativeMemory {
  /** Live native tensors (views included). */
  readonly tensors: number;
  /** Bytes in live tensors of the device in use. */
  readonly allocatedBytes: number;
  /** Bytes held from the system, spare blocks included. */
  readonly reservedBytes: number;
  /** The most bytes that were in live tensors since the last {@link resetPeakMemory}. */
  readonly peakBytes: number;
}

/** What the addon knows about the libtorch it runs on. */
export interface NativeFacts {
  readonly version: string;
  readonly blas: string;
  readonly threads: number;
  readonly device: string;
  /** GPUs that libtorch can use. */
  readonly gpus: number;
  readonly configuration: string;
}

/** How a process joins others; see native/communicator.h. */
export interface NativeMembership {
  readonly rank: number;
  readonly worldSize: number;
  readonly address: string;
  readonly port: number;
  readonly serves: boolean;
  readonly prefix: string;
  readonly timeoutMilliseconds: number;
}

/** What a process has sent to and received from the others of its group. */
export interface GroupTraffic {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly collectives: number;
}

/** The addon's exports; see native/addon.cc. */
export interface Binding {
  invoke(operation: number): void;
  upload(values: ArrayBufferView): void;
  download(handle: number, values: ArrayBufferView): void;
  downloadLater(handle: number, values: ArrayBufferView): Promise<unknown> | undefined;
  drain(): void;
  clear(): void;
  attach(mailbox: Float64Array, released: Int32Array): void;
  setThreads(count: number): void;
  setDevice(name: string): void;
  synchronize(): void;
  memory(): NativeMemory;
  resetPeak(): void;
  facts(): NativeFacts;
  names(): string[];
  joinGroup(group: number, membership: NativeMembership): Promise<void>;
  leaveGroup(group: number): Promise<void>;
  flightEnds(flight: number): Promise<void>;
  groupTraffic(group: number): GroupTraffic;
  reportFailure(group: number, problem: string): void;
  /** Why this addon cannot join a group; empty when it can. */
  lackOfCollectives(): string;
}

const remedy =
  'build it with `npx thinkrl-build-torch` (needs a C++ compiler and libtorch; Debian or Ubuntu: apt-get install g++ libtorch-dev libopenblas-dev; elsewhere: pip install torch)';

/** The package folder, from src/ (vitest, tsx) as from dist/. */
function packageFolder(): string {
  return dirname(dirname(fileURLToPath(import.meta.url)));
}

/** Where the build puts the addon. */
function bindingPath(): string {
  return process.env.THINKRL_TORCH_ADDON ?? join(packageFolder(), 'build', 'thinkrl_torch.node');
}

/** Who brought the libtorch that the addon was compiled against, as the build noted it. */
export function bindingOrigin(): string {
  const note = join(dirname(bindingPath()), 'origin.json');
  return existsSync(note) ? (JSON.parse(readFileSync(note, 'utf8')) as { origin: string }).origin : 'unknown';
}

/** The system kills a process that loads half a library; the build notes its size in the `.key` file beside it. */
function refuseCutShort(path: string): void {
  const key = `${path}.key`;
  const wanted = existsSync(key) ? readFileSync(key, 'utf8').split(' ')[1] : undefined;
  const { size } = statSync(path);
  if (wanted !== undefined && Number(wanted) !== size)
    throw new TorchMissingError(`the torch engine is damaged (${size} of ${wanted} bytes): ${remedy}`);
}

/**
 * Loads the compiled addon.
 *
 * @throws TorchMissingError when it was not built or its libraries do not load.
 */
export function loadBinding(): Binding {
  const path = bindingPath();
  if (!existsSync(path)) throw new TorchMissingError(`the torch engine is not built: ${remedy}`);
  refuseCutShort(path);
  try {
    return createRequire(import.meta.url)(path) as Binding;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TorchMissingError(`the torch engine does not load (${reason}): ${remedy}`, { cause });
  }
}
