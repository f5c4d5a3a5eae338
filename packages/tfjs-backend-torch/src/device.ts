import { bindingOrigin, type NativeFacts, type NativeMemory } from './binding.ts';
import { TorchDeviceError, TorchEngineError } from './error.ts';
import { native } from './storage.ts';

/** Facts for a report on the engine: libtorch's version and origin, BLAS, threads, device, CUDA. */
export interface TorchFacts extends NativeFacts {
  /** Who brought libtorch: `LIBTORCH`, the python3 on the PATH, or the system. */
  readonly origin: string;
  /** Whether there is a GPU that libtorch can use. */
  readonly cuda: boolean;
  /** The CUDA that libtorch was built with; absent from a libtorch for CPUs. */
  readonly cudaVersion?: string;
}

/** Number of threads one operation may use (libtorch's and the BLAS library's). */
export function setThreads(count: number): void {
  native().setThreads(count);
}

/**
 * Where new tensors go: `cpu` or `cuda:N`. Choose before making tensors.
 *
 * @throws TorchDeviceError when there is no such device; the message says why.
 */
export function setDevice(name: string): void {
  try {
    native().setDevice(name);
  } catch (cause) {
    throw cause instanceof TorchEngineError ? cause : new TorchDeviceError(name, { cause });
  }
}

/** Waits until the device has done all it was given: what a measurement of time needs on a GPU. */
export function synchronize(): void {
  native().synchronize();
}

/** Live tensors of this engine, and bytes on its device. */
export function memoryStatistics(): NativeMemory {
  return native().memory();
}

/** Starts the peak in {@link memoryStatistics} again from what is live now. */
export function resetPeakMemory(): void {
  native().resetPeak();
}

/** What the engine runs on. */
export function torchFacts(): TorchFacts {
  const facts = native().facts();
  const cudaVersion = /\bCUDA_VERSION=([\d.]+)/.exec(facts.configuration)?.[1];
  const origin = bindingOrigin();
  return { ...facts, origin, cuda: facts.gpus > 0, ...(cudaVersion === undefined ? {} : { cudaVersion }) };
}
