import { dispose, tensor2d } from '@tensorflow/tfjs-core';
import type {
  TokenBatch as ReasoningBatch,
  TokenLayout,
  TokenScores,
  TrainableReasoningPolicy,
} from '@thinkrl/cot-sampler';
import { type TokenBatch, type TokenObjective, tokenLoss, tokenStatistics } from '@thinkrl/grpo-core';
import type { EditTask } from '@thinkrl/spec';
import type { ReportWeights } from './module-report.ts';
import {
  createPolicyUpdate,
  type PartScores,
  type PolicyBatch,
  type PolicyUpdateOptions,
} from './policy-update.ts';
import { type TrainedChain, tokenAdvantages, trainedChains } from './samples.ts';
import type { ModuleUpdate } from './training-run.ts';

/** How the understanding module is trained. */
export interface UnderstandingUpdateOptions<Task extends EditTask> extends PolicyUpdateOptions {
  readonly policy: TrainableReasoningPolicy<Task>;
  readonly objective: TokenObjective;
  /** Temperature the chains were sampled at. */
  readonly temperature: number;
}

/**
 * Token-level GRPO on plan and reflection tokens of the kept chains (method section 4).
 *
 * @throws ConfigError when a KL is asked for without a reference.
 */
export function createUnderstandingUpdate<Task extends EditTask>(
  options: UnderstandingUpdateOptions<Task>,
): ModuleUpdate<Task> {
  return createPolicyUpdate(options, {
    parameters: () => options.policy.parameters(),
    prepare(groups) {
      const samples = trainedChains(groups);
      if (samples.length === 0) return { samples: 0, weights: { loss: 0, statistics: 0 }, batches: [] };
      const chains = samples.map(({ chain }) => chain);
      const batch = options.policy.prepare(chains, options.temperature);
      return {
        samples: samples.length,
        weights: weightsOf(batch.layout, options.objective),
        batches: [tokensOf(batch, samples, options)],
      };
    },
  });
}

/**
 * What the loss and the statistics are means over. With `dr_grpo` it is places for tokens, of which ranks whose longest chains
 * differ have different numbers for a chain.
 */
function weightsOf(
  { chains, tokens, mask }: TokenLayout,
  { aggregation = 'dapo' }: TokenObjective,
): ReportWeights {
  const active = mask.reduce((sum, value) => sum + value, 0);
  const terms = {
    bnpo: active,
    dapo: active,
    cispo: active,
    grpo: chains,
    sapo: chains,
    dr_grpo: chains * tokens,
  };
  return { loss: terms[aggregation], statistics: active };
}

/** All tokens of the chains as one part. */
function tokensOf<Task extends EditTask>(
  batch: ReasoningBatch,
  samples: readonly TrainedChain<Task>[],
  { objective }: UnderstandingUpdateOptions<Task>,
): PolicyBatch<TokenScores> {
  const { layout } = batch;
  const shape: [number, number] = [layout.chains, layout.tokens];
  const mask = tensor2d(layout.mask, shape);
  const advantages = tensor2d(tokenAdvantages(layout, samples), shape);
  const compared = ({ present, old, reference }: PartScores<TokenScores>): TokenBatch => ({
    ...{ mask, advantages, logProbs: present.logProbs },
    oldLogProbs: old?.logProbs,
    referenceLogProbs: reference?.logProbs,
  });
  return {
    weight: 1,
    score: () => [batch.score()],
    loss: (scores) => tokenLoss(compared(scores), objective),
    statistics: (scores) => tokenStatistics(compared(scores), objective, scores.present.entropies),
    rolloutGap: async ([tokens]) => gapToSampled(layout, (await tokens!.logProbs.data()) as Float32Array),
    dispose: () => dispose([mask, advantages]),
  };
}

function gapToSampled({ mask, sampled }: TokenLayout, values: Float32Array): number {
  return values.reduce((gap, value, i) => (mask[i] ? Math.max(gap, Math.abs(value - sampled[i]!)) : gap), 0);
}
