import { dispose, tensor2d } from '@tensorflow/tfjs-core';
import type {
  TokenLayout,
  TokenScores,
  TokenBatch as TokensToScore,
  TrainableReasoningPolicy,
} from '@thinkrl/cot-sampler';
import { type TokenBatch, type TokenObjective, tokenLoss, tokenStatistics } from '@thinkrl/grpo-core';
import type { EditTask } from '@thinkrl/spec';
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
  /** Chains of one task in one backward pass; fewer take less memory and more time. All chains at once unless given. */
  readonly chainsAtOnce?: number;
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
      return { samples: samples.length, batches: portionsOf(samples, options) };
    },
  });
}

/** All chains as one batch, or every so many chains of a task as a batch of their own. */
function portionsOf<Task extends EditTask>(
  samples: readonly TrainedChain<Task>[],
  { policy, temperature, objective, chainsAtOnce }: UnderstandingUpdateOptions<Task>,
): readonly PolicyBatch<TokenScores>[] {
  const portions = splitByTask(samples, chainsAtOnce).map((some) => ({
    samples: some,
    batch: policy.prepare(
      some.map(({ chain }) => chain),
      temperature,
    ),
  }));
  const layouts = portions.map(({ batch }) => batch.layout);
  const tokens = layouts.map(({ mask }) => mask.reduce((sum, value) => sum + value, 0));
  const all = tokens.reduce((sum, count) => sum + count, 0);
  const whole = { chains: samples.length, width: joinedWidth(layouts) };
  return portions.map((portion, i) => {
    const weight = tokens[i]! / all;
    return tokensOf({ ...portion, weight }, objectiveOfShare(objective, weight, whole));
  });
}

function splitByTask<Task extends EditTask>(
  samples: readonly TrainedChain<Task>[],
  most: number | undefined,
): readonly (readonly TrainedChain<Task>[])[] {
  if (samples.length === 0) return [];
  if (most === undefined) return [samples];
  const portions: TrainedChain<Task>[][] = [];
  for (const sample of samples) {
    const last = portions.at(-1);
    if (last !== undefined && last.length < most && last[0]!.chain.task === sample.chain.task)
      last.push(sample);
    else portions.push([sample]);
  }
  return portions;
}

/** Columns of the layout that all chains have together: every stage is as wide as its longest text. */
function joinedWidth(layouts: readonly TokenLayout[]): number {
  const widths = new Map<number, number>();
  for (const { stages } of layouts)
    for (const stage of new Set(stages)) {
      const width = stages.filter((other) => other === stage).length;
      widths.set(stage, Math.max(width, widths.get(stage) ?? 0));
    }
  return [...widths.values()].reduce((sum, width) => sum + width, 0);
}

/**
 * The objective of a portion, such that the portions' losses, each by its `share` of the tokens, add up to that of all
 * chains in one batch: what the loss divides by is then of the whole.
 */
function objectiveOfShare(
  objective: TokenObjective,
  share: number,
  whole: { readonly chains: number; readonly width: number },
): TokenObjective {
  const { chains = whole.chains, maximumTokens = whole.width, activeTokens } = objective;
  return {
    ...objective,
    chains: share * chains,
    maximumTokens,
    ...(activeTokens !== undefined && { activeTokens: share * activeTokens }),
  };
}

interface Portion<Task extends EditTask> {
  readonly samples: readonly TrainedChain<Task>[];
  readonly batch: TokensToScore;
  readonly weight: number;
}

/** All tokens of the chains as one part. */
function tokensOf<Task extends EditTask>(
  { samples, batch, weight }: Portion<Task>,
  objective: TokenObjective,
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
    weight,
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
