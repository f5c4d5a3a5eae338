export type { Conditioning, EditBackbone, ImageCodec } from './backbone.ts';
export { EditGeneratorError, type EditGeneratorProblem } from './error.ts';
export { type GuidanceOptions, type GuidedConditioning, guideVelocity, withGuidance } from './guidance.ts';
export { type PictureEncoder, ReferenceCache } from './reference-cache.ts';
export {
  createEditSampler,
  type EditSampler,
  type EditSamplerOptions,
  type SampleOptions,
} from './sampler.ts';
export {
  type DynamicShift,
  dynamicMu,
  flowMatchSchedule,
  type Schedule,
  type ScheduleOptions,
  type Sigmas,
  shiftSigma,
  timeShift,
  uniformSigmas,
} from './schedule.ts';
export {
  prepareTransitions,
  type ScoredTransition,
  type ScoreRequest,
  scoreTransitions,
  stackStates,
  type TransitionBatch,
} from './score.ts';
export { checkSigmas } from './sigmas.ts';
export {
  addNoise,
  cpsStep,
  odeStep,
  type StepCoefficients,
  type StepLevels,
  sdeStep,
  stochasticStep,
  transitionLogProb,
  transitionMean,
} from './transition.ts';
export { allButLast, drawWindow, firstHalf, type WindowOptions } from './window.ts';
