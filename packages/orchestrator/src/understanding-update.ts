import { dispose, type Tensor2D, tensor2d, tidy } from '@tensorflow/tfjs-core';
import type { TokenBatch as ScoredBatch, TokenLayout, TrainableReasoningPolicy } from '@thinkrl/cot-sampler';
import { type TokenBatch, type TokenObjective, tokenLoss, tokenStatistics } from '@thinkrl/grpo-core';
import { gradients, noGrad, type WeightSnapshot } from '@thinkrl/nn';
import { ConfigError, type EditTask, type Group, type ModuleReport } from '@thinkrl/spec';
import { type GradientStepOptions, gradientStep } from './gradient-step.ts';
import { noSamples } from './module-report.ts';
import { tokenAdvantages, trainedChains } from './samples.ts';
import type { ModuleUpdate } from './training-run.ts';

/** How the understanding module is trained. */
export interface UnderstandingUpdateOptions<Task extends EditTask> extends GradientStepOptions {
  readonly policy: TrainableReasoningPolicy<Task>;
  /** Weights the KL is taken to; needed when `objective.beta` is not 0. */
  readonly reference: WeightSnapshot | null;
  readonly objective: TokenObjective;
  /** Temperature the chains were sampled at. */
  readonly temperature: number;
  /** Optimiser steps per roll-out; old log-probabilities are those of the first. */
  readonly innerUpdates: number;
}

/** Constants of one update, beside what the policy scores. */
interface UpdateConstants {
  readonly mask: Tensor2D;
  readonly advantages: Tensor2D;
  readonly referenceLogProbs?: Tensor2D;
}

/**
 * Token-level GRPO on plan and reflection tokens of the kept chains (method section 4).
 *
 * @throws ConfigError when a KL is asked for without a reference.
 */
export function createUnderstandingUpdate<Task extends EditTask>(
  options: UnderstandingUpdateOptions<Task>,
): ModuleUpdate<Task> {
  const { beta } = options.objective;
  if (beta && options.reference === null) {
    throw new ConfigError({ field: 'objective.beta', value: beta, fix: 'give a reference, or set it to 0' });
  }
  return {
    async step(groups: readonly Group<Task>[]) {
      const samples = trainedChains(groups);
      if (samples.length === 0) return noSamples();
      const batch = options.policy.prepare(
        samples.map(({ chain }) => chain),
        options.temperature,
      );
      const constants = constantsOf(batch, tokenAdvantages(batch.layout, samples), options);
      try {
        const report = await updateInTurns(batch, constants, options);
        return { ...report, samples: samples.length };
      } finally {
        dispose(Object.values(constants));
      }
    },
  };
}

function constantsOf<Task extends EditTask>(
  batch: ScoredBatch,
  advantages: Float32Array,
  { objective, reference }: UnderstandingUpdateOptions<Task>,
): UpdateConstants {
  const { chains, tokens, mask } = batch.layout;
  const scoreReference = () => tidy(() => reference!.during(() => batch.score().logProbs));
  return {
    mask: tensor2d(mask, [chains, tokens]),
    advantages: tensor2d(advantages, [chains, tokens]),
    ...(objective.beta && { referenceLogProbs: noGrad(scoreReference) }),
  };
}

async function updateInTurns<Task extends EditTask>(
  batch: ScoredBatch,
  constants: UpdateConstants,
  options: UnderstandingUpdateOptions<Task>,
): Promise<Omit<ModuleReport, 'samples'>> {
  let old: Tensor2D | undefined;
  let gaps = { rolloutGap: 0, firstRatioGap: 0 };
  let report: TurnReport | null = null;
  try {
    for (let turn = 0; turn < options.innerUpdates; turn++) {
      const result = await updateOnce(batch, { ...constants, oldLogProbs: old }, options);
      old ??= result.logProbs.clone();
      if (turn === 0)
        gaps = { rolloutGap: gapToSampled(batch.layout, result.values), firstRatioGap: result.ratioGap };
      result.logProbs.dispose();
      report = result.report;
    }
  } finally {
    old?.dispose();
  }
  return { ...report!, ...gaps };
}

type TurnReport = Pick<ModuleReport, 'loss' | 'kl' | 'clipFraction' | 'gradientNorm' | 'entropy' | 'skipped'>;

interface Turn {
  readonly report: TurnReport;
  readonly ratioGap: number;
  /** Log-probabilities before the step; the caller disposes them. */
  readonly logProbs: Tensor2D;
  readonly values: Float32Array;
}

async function updateOnce<Task extends EditTask>(
  batch: ScoredBatch,
  constants: Omit<TokenBatch, 'logProbs'>,
  options: UnderstandingUpdateOptions<Task>,
): Promise<Turn> {
  const result = gradients(() => {
    const { logProbs, entropies } = batch.score();
    const loss = tokenLoss({ ...constants, logProbs }, options.objective);
    return { loss, stats: { logProbs, entropies } };
  }, options.policy.parameters());
  try {
    const logProbs = result.stats.logProbs as Tensor2D;
    const loss = (await result.loss.data())[0]!;
    const statistics = await tokenStatistics(
      { ...constants, logProbs },
      options.objective,
      result.stats.entropies as Tensor2D,
    );
    const { gradientNorm, applied } = await gradientStep({ loss, gradients: result.gradients }, options);
    const { clipFraction, kl, entropy, ratioGap } = statistics;
    return {
      report: {
        loss,
        kl: kl ?? 0,
        clipFraction,
        gradientNorm,
        entropy: entropy ?? 0,
        ...(!applied && { skipped: 'non-finite' as const }),
      },
      ratioGap,
      values: (await logProbs.data()) as Float32Array,
      logProbs: logProbs.clone(),
    };
  } finally {
    result.dispose();
  }
}

function gapToSampled({ mask, sampled }: TokenLayout, values: Float32Array): number {
  return values.reduce((gap, value, i) => (mask[i] ? Math.max(gap, Math.abs(value - sampled[i]!)) : gap), 0);
}
