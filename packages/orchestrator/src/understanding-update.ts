import { dispose, tensor2d } from '@tensorflow/tfjs-core';
import type {
  TokenLayout,
  TokenScores,
  TokenBatch as TokensToScore,
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
      const portions = portionsOf(samples, options);
      const whole = wholeOf(portions);
      const batches = portions.map((portion) => {
        const weight = activeIn(portion.batch.layout) / whole.active;
        return tokensOf({ ...portion, weight }, objectiveOfShare(options.objective, weight, whole));
      });
      return { samples: samples.length, weights: weightsOf(whole, options.objective), batches };
    },
  });
}

/** All chains, or every so many chains of a task. */
function portionsOf<Task extends EditTask>(
  samples: readonly TrainedChain<Task>[],
  { policy, temperature, chainsAtOnce }: UnderstandingUpdateOptions<Task>,
): readonly Portion<Task>[] {
  return splitByTask(samples, chainsAtOnce).map((some) => ({
    samples: some,
    batch: policy.prepare(
      some.map(({ chain }) => chain),
      temperature,
    ),
  }));
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

/** The layout that the chains of all portions have together. */
interface Whole {
  readonly chains: number;
  /** Columns: every stage is as wide as its longest text. */
  readonly width: number;
  /** Tokens. */
  readonly active: number;
}

function wholeOf(portions: readonly Portion<EditTask>[]): Whole {
  const layouts = portions.map(({ batch }) => batch.layout);
  const widths = new Map<number, number>();
  for (const { stages } of layouts)
    for (const stage of new Set(stages)) {
      const width = stages.filter((other) => other === stage).length;
      widths.set(stage, Math.max(width, widths.get(stage) ?? 0));
    }
  const total = (values: Iterable<number>) => [...values].reduce((sum, value) => sum + value, 0);
  return {
    chains: total(layouts.map(({ chains }) => chains)),
    width: total(widths.values()),
    active: total(layouts.map(activeIn)),
  };
}

/** Tokens of a layout. */
function activeIn({ mask }: TokenLayout): number {
  return mask.reduce((sum, value) => sum + value, 0);
}

/**
 * What the loss and the statistics are means over. With `dr_grpo` those are places for tokens: as many for each chain as
 * the objective says, else as a rank's longest takes, and then the number of ranks counts.
 */
function weightsOf(
  { chains, width, active }: Whole,
  { aggregation = 'dapo', maximumTokens = width }: TokenObjective,
): ReportWeights {
  const terms = {
    bnpo: active,
    dapo: active,
    cispo: active,
    grpo: chains,
    sapo: chains,
    dr_grpo: chains * maximumTokens,
  };
  return { loss: terms[aggregation], statistics: active };
}

/**
 * The objective of a portion, such that the portions' losses, each by its `share` of the tokens, add up to that of all
 * chains in one batch: what the loss divides by is then of the whole.
 */
function objectiveOfShare(objective: TokenObjective, share: number, whole: Whole): TokenObjective {
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
}

/** All tokens of the chains as one part. */
function tokensOf<Task extends EditTask>(
  { samples, batch, weight }: Portion<Task> & Pick<PolicyBatch<TokenScores>, 'weight'>,
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
