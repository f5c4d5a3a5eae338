import { bindingOrigin, type NativeFacts, type NativeMemory } from './binding.ts';
import { native } from './storage.ts';

/** Facts for a report on the engine: libtorch's version and origin, BLAS, threads, device, CUDA. */
export interface TorchFacts extends NativeFacts {
  /** Who brought libtorch: `LIBTORCH`, the python3 on the PATH, or the system. */
  readonly origin: string;
}

/** Number of threads one operation may use (libtorch's and the BLAS library's). */
export function setThreads(count: number): void {
  native().setThreads(count);
}

/** Where new tensors go: `cpu` or `cuda:N`. Choose before making tensors. */
export function setDevice(name: string): void {
  native().setDevice(name);
}

/** Live tensors and bytes of this process's engine. */
export function memoryStatistics(): NativeMemory {
  return native().memory();
}

/** Starts the peak in {@link memoryStatistics} again from what is live now. */
export function resetPeakMemory(): void {
  native().resetPeak();
}

/** What the engine runs on. */
export function torchFacts(): TorchFacts {
  return { ...native().facts(), origin: bindingOrigin() };
}
