export type { ChainRequest, ChainSampler, ChainSamplerOptions, Editor } from './chain-sampler.ts';
export { createChainSampler } from './chain-sampler.ts';
export { type ConditionComposer, fromPrevious, fromReference, type Reconsidered } from './condition.ts';
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
