export { registerGradients } from '@thinkrl/tfjs-backend-torch';
export { diagnoseEngine, type EngineDiagnosis } from './diagnose.ts';
export { EngineError, type EngineProblem } from './error.ts';
export type { EngineName, EngineReport } from './report.ts';
export { type EngineOptions, useEngine } from './use.ts';
