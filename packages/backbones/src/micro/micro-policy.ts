import type { ReasoningSession, TokenBatch, TrainableReasoningPolicy } from '@thinkrl/cot-sampler';
import type { ParameterMap } from '@thinkrl/nn';
import { type Chain, ConfigError, type EditTask } from '@thinkrl/spec';
import { MicroSession } from './reasoning-session.ts';
import { tokenBatch } from './token-batch.ts';
import type { Understander } from './understander.ts';

/** The understander as a planner that samples and can be trained. */
export class MicroPolicy implements TrainableReasoningPolicy<EditTask> {
  readonly name = 'micro';
  readonly model: Understander;

  constructor(model: Understander) {
    this.model = model;
  }

  /** Starts a batch; the prompts are computed here, once per task. Throws ConfigError and MicroInputError. */
  async begin(tasks: readonly EditTask[], groupSize: number): Promise<ReasoningSession> {
    if (!Number.isInteger(groupSize) || groupSize < 1)
      throw new ConfigError({ field: 'groupSize', value: groupSize, fix: 'use a positive integer' });
    return new MicroSession(this.model, tasks, groupSize);
  }

  /** Lays out sampled chains for scoring. */
  prepare(chains: readonly Chain[], temperature: number): TokenBatch {
    return tokenBatch(this.model, chains, temperature);
  }

  parameters(): ParameterMap {
    return this.model.parameters();
  }

  dispose(): void {
    this.model.dispose();
  }
}
