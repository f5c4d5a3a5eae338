export type { ChainRequest, ChainSampler, ChainSamplerOptions, Editor } from './chain-sampler.ts';
export { createChainSampler } from './chain-sampler.ts';
export { type ConditionComposer, fromPrevious, fromReference, type Reconsidered } from './condition.ts';
export { byteLevelBytes } from './constraint/byte-level.ts';
export { jsonPattern } from './constraint/json-pattern.ts';
export type { JsonScalar, JsonSchema, ScalarType } from './constraint/json-schema.ts';
export {
  type ByteRange,
  choice,
  literal,
  oneByte,
  type Pattern,
  repeat,
  sequence,
} from './constraint/pattern.ts';
export { createTokenConstraint, type TokenConstraintOptions } from './constraint/token-constraint.ts';
export { TokenVocabulary } from './constraint/token-vocabulary.ts';
export { CotSamplerError, type CotSamplerProblem } from './error.ts';
export type { TokenGrammar } from './grammar.ts';
export type {
  ReasoningPolicy,
  ReasoningSession,
  SamplingOptions,
  SpeakRequest,
  TokenBatch,
  TokenLayout,
  TokenScores,
  TrainableReasoningPolicy,
} from './policy.ts';
export { checkSampling, type DrawnToken, type DrawOptions, sampleToken } from './token-sampling.ts';
