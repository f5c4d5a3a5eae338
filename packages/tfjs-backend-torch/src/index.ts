export { TorchBackend } from './backend.ts';
export { bindingPath, isBuilt, type NativeFacts, type NativeMemory } from './binding.ts';
export type { StorageType } from './data.ts';
export {
  memoryStatistics,
  resetPeakMemory,
  setDevice,
  setThreads,
  synchronize,
  type TorchFacts,
  torchFacts,
} from './device.ts';
export {
  type KernelFailure,
  TorchDeviceError,
  TorchDisposedError,
  TorchEngineError,
  TorchKernelError,
  TorchMissingError,
} from './error.ts';
export { type AdamWSettings, type AdamWTensors, adamWStep } from './fused/AdamWStep.ts';
export { castStorage, storageOf } from './fused/CastStorage.ts';
export { registerGradients } from './gradients.ts';
export { backendName } from './kernel/config.ts';
export { registerTorch } from './register.ts';
