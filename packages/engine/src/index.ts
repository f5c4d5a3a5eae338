export {
  freePort,
  type GroupOptions,
  type GroupTraffic,
  joinGroup,
  joinPart,
  lackOfCollectives,
  registerGradients,
  TorchGroupError,
  type TorchProcessGroup,
} from '@thinkrl/tfjs-backend-torch';
export { diagnoseEngine, type EngineDiagnosis } from './diagnose.ts';
export { EngineError, type EngineProblem } from './error.ts';
export { type EngineMemory, engineMemory, resetEnginePeak } from './memory.ts';
export type { EngineName, EngineReport } from './report.ts';
export { type EngineOptions, useEngine } from './use.ts';
