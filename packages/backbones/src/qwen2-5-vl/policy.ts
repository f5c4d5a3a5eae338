import type { ReasoningSession, TokenBatch, TrainableReasoningPolicy } from '@thinkrl/cot-sampler';
import type { ParameterMap } from '@thinkrl/nn';
import { type Chain, ConfigError, type EditTask } from '@thinkrl/spec';
import { checkTrainableNames } from '../trainable-names.ts';
import type { QwenVlModels } from './load.ts';
import { Reasoner } from './reasoner.ts';
import { LINE_FORM, type ReasoningForm } from './reasoning-form.ts';
import { QwenVlSession } from './session.ts';
import { tokenBatch } from './token-batch.ts';

/** Settings of a {@link QwenVlPolicy}. */
export interface QwenVlPolicyOptions extends QwenVlModels {
  /** What is trained: an adapter's parameters; all of the model's unless given. */
  readonly trainable?: ParameterMap;
  /** How the model is asked and read; {@link LINE_FORM} unless given. */
  readonly form?: ReasoningForm;
  /** Longest plan or reflection, in tokens; 512 unless given. */
  readonly maxTokens?: number;
  /** Chains of one task that share the computation of their prompt when they are scored; 4 unless given. */
  readonly chainsPerRow?: number;
  /** Whether layers are computed again in the backward pass instead of being kept; true unless given. */
  readonly checkpointing?: boolean;
}

/**
 * Qwen2.5-VL as a planner that samples and can be trained.
 *
 * @example
 * const adapter = LoraAdapter.attach(model, { rank: 64, alpha: 128, targets: ['q_proj', 'v_proj'], key });
 * const policy = new QwenVlPolicy({ model, processor, trainable: adapter.parameters() });
 */
export class QwenVlPolicy implements TrainableReasoningPolicy<EditTask> {
  readonly name = 'qwen2.5-vl';
  private readonly reasoner: Reasoner;
  private readonly trainable: ParameterMap;
  private readonly maxTokens: number;
  private readonly chainsPerRow: number;
  private readonly checkpointing: boolean;

  /** Throws ConfigError for counts that are no positive integers, or trainable parameters not named by places of the model. */
  constructor(options: QwenVlPolicyOptions) {
    const { model, processor, form = LINE_FORM } = options;
    const {
      trainable = model.parameters(),
      maxTokens = 512,
      chainsPerRow = 4,
      checkpointing = true,
    } = options;
    checkCounts({ maxTokens, chainsPerRow });
    checkTrainableNames(model, trainable);
    this.reasoner = new Reasoner({ model, processor, form });
    this.trainable = trainable;
    this.maxTokens = maxTokens;
    this.chainsPerRow = chainsPerRow;
    this.checkpointing = checkpointing;
  }

  /** Starts a batch; prompts are computed once per task. Throws ConfigError and QwenVlInputError. */
  async begin(tasks: readonly EditTask[], groupSize: number): Promise<ReasoningSession> {
    checkCounts({ groupSize, tasks: tasks.length });
    const { reasoner, maxTokens } = this;
    return new QwenVlSession({ reasoner, tasks, groupSize, maxTokens });
  }

  /** Lays out sampled chains for scoring. */
  prepare(chains: readonly Chain[], temperature: number): TokenBatch {
    const { reasoner, chainsPerRow, trainable, checkpointing } = this;
    return tokenBatch(chains, { reasoner, temperature, chainsPerRow, trainable, checkpointing });
  }

  parameters(): ParameterMap {
    return this.trainable;
  }
}

function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [field, value] of Object.entries(counts))
    if (!Number.isInteger(value) || value < 1)
      throw new ConfigError({ field, value, fix: 'use a positive integer' });
}
