export { TorchBackend } from './backend.ts';
export type { GroupTraffic, NativeFacts, NativeMemory } from './binding.ts';
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
  type GroupFailure,
  type KernelFailure,
  TorchDeviceError,
  TorchDisposedError,
  TorchEngineError,
  TorchGroupError,
  TorchKernelError,
  TorchMissingError,
} from './error.ts';
export { type AdamWSettings, type AdamWTensors, adamWStep } from './fused/AdamWStep.ts';
export { castStorage, storageOf } from './fused/CastStorage.ts';
export { registerGradients } from './gradients.ts';
export { freePort } from './group/free-port.ts';
export { type GroupOptions, joinGroup, joinPart, lackOfCollectives } from './group/join.ts';
export { type GroupReduction, type PendingCollective, TorchProcessGroup } from './group/process-group.ts';
export { backendName } from './kernel/config.ts';
export { registerTorch } from './register.ts';
