import type { Tensor2D, Variable } from '@tensorflow/tfjs-core';
import type { Chain, EditTask, Image, Key, Reflection, Utterance } from '@thinkrl/spec';

/** How tokens are drawn from logits. Temperature 0 is greedy; `topK`, `topP` and `minP` cut the tail when set. */
export interface SamplingOptions {
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  /**
   * Draws only what the policy's grammar allows, so that every text parses; of use to policies that have one. Recorded
   * log-probabilities stay those of the whole distribution.
   * @defaultValue false
   */
  readonly constrained?: boolean;
  /**
   * Most tokens of a text, its end token included; a text that has not ended by then does not parse.
   * @defaultValue what the policy has room for
   */
  readonly mostTokens?: number;
  /**
   * Words that end a text as its end token does. A local policy keeps the word, a server's reply stops before it.
   * @defaultValue none
   */
  readonly stopAfter?: readonly string[];
}

/** A request for one utterance per chain. `keys[i]` alone decides the draws of chain `i`. */
export interface SpeakRequest {
  readonly sampling: SamplingOptions;
  readonly keys: readonly Key[];
  /** A policy that looks at it gives the request up between two tokens, and rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The understanding module at work on one batch of tasks: `tasks.length * groupSize` chains, task-major.
 *
 * The session owns whatever is kept between plan and reflection (a KV cache); `dispose` releases it.
 */
export interface ReasoningSession {
  /** One plan per chain: reasoning and enriched instruction `c'` (method section 1, step 1). */
  plan(request: SpeakRequest): Promise<readonly Utterance[]>;
  /**
   * One reflection per listed chain on its newest edit (step 3). `chains` are positions in the batch, ascending;
   * `edits` and `request.keys` follow them.
   */
  reflect(
    chains: readonly number[],
    edits: readonly Image[],
    request: SpeakRequest,
  ): Promise<readonly Reflection[]>;
  dispose(): void;
}

/** A planner: samples plans and reflections. Three kinds: local transformer, served model, none. */
export interface ReasoningPolicy<Task extends EditTask = EditTask> {
  readonly name: string;
  /** Starts a batch; the prompt of each task is computed once and shared by its `groupSize` chains. */
  begin(tasks: readonly Task[], groupSize: number): Promise<ReasoningSession>;
}

/** Log-probabilities of sampled tokens under the current parameters, on the gradient tape. */
export interface TokenScores {
  /** `[chains, tokens]`, nats. */
  readonly logProbs: Tensor2D;
  /** Entropy of each token's distribution, `[chains, tokens]`, nats. */
  readonly entropies: Tensor2D;
}

/** Which positions of {@link TokenScores} hold sampled tokens; host data, the same for every parameter value. */
export interface TokenLayout {
  readonly chains: number;
  readonly tokens: number;
  /** Stage of each column: 0 for plan tokens, r for the reflection of round r. `[tokens]` */
  readonly stages: readonly number[];
  /** 1 where a token was sampled, else 0: `[chains * tokens]`, row-major. */
  readonly mask: Float32Array;
  /** Log-probabilities recorded while sampling, 0 where `mask` is 0: `[chains * tokens]`, row-major. */
  readonly sampled: Float32Array;
}

/** A batch of chains prepared for scoring: host arrays laid out once, scored by policy and reference alike. */
export interface TokenBatch {
  readonly layout: TokenLayout;
  /** Scores the batch; call inside `tf.tidy` or a gradient closure. */
  score(): TokenScores;
}

/** A planner that can be trained. */
export interface TrainableReasoningPolicy<Task extends EditTask = EditTask> extends ReasoningPolicy<Task> {
  /** Lays out chains sampled at `temperature` for scoring. Chains without a plan are refused with a typed error. */
  prepare(chains: readonly Chain<Task>[], temperature: number): TokenBatch;
  /** Trainable parameters by checkpoint name. */
  parameters(): ReadonlyMap<string, Variable>;
}
