import { addN, dispose, div, type Tensor, type Tensor1D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { type EditBackbone, type ScoredTransition, scoreTransitions } from '@thinkrl/edit-generator';
import { type FlowObjective, type FlowStep, flowLoss, flowStatistics } from '@thinkrl/grpo-core';
import { gradients, noGrad, type WeightSnapshot } from '@thinkrl/nn';
import { ConfigError, type EditTask, type Group, type ModuleReport } from '@thinkrl/spec';
import { type GradientStepOptions, gradientStep } from './gradient-step.ts';
import { noSamples } from './module-report.ts';
import { type TrainedEdit, trainedEdits } from './samples.ts';
import type { ModuleUpdate } from './training-run.ts';

/** How the generation module is trained. */
export interface GenerationUpdateOptions extends GradientStepOptions {
  readonly backbone: EditBackbone;
  /** Weights the KL is taken to; needed when `objective.beta` is not 0. */
  readonly reference: WeightSnapshot | null;
  readonly objective: FlowObjective;
  /** Optimiser steps per roll-out; old log-probabilities are those of the first. */
  readonly innerUpdates: number;
}

/**
 * Flow-GRPO on the SDE steps of the kept chains' edits, first and later ones in one batch (method section 4).
 *
 * @throws ConfigError when a KL is asked for without a reference.
 */
export function createGenerationUpdate<Task extends EditTask>(
  options: GenerationUpdateOptions,
): ModuleUpdate<Task> {
  const { beta } = options.objective;
  if (beta && options.reference === null) {
    throw new ConfigError({ field: 'objective.beta', value: beta, fix: 'give a reference, or set it to 0' });
  }
  return {
    async step(groups: readonly Group<Task>[]) {
      const samples = trainedEdits(groups);
      if (samples.length === 0) return noSamples();
      const constants = constantsOf(samples, options);
      try {
        const report = await updateInTurns(samples, constants, options);
        return { ...report, samples: samples.length };
      } finally {
        dispose([constants.advantages, ...constants.referenceMeans]);
      }
    },
  };
}

/** Constants of one update, beside what the backbone scores. */
interface UpdateConstants {
  readonly advantages: Tensor1D;
  /** Mean of every transition under the reference; empty without a KL. */
  readonly referenceMeans: readonly Tensor[];
}

function constantsOf(samples: readonly TrainedEdit[], options: GenerationUpdateOptions): UpdateConstants {
  const { objective, reference } = options;
  const score = () => tidy(() => reference!.during(() => scored(samples, options).map(({ mean }) => mean)));
  return {
    advantages: tensor1d(samples.map(({ advantage }) => advantage)),
    referenceMeans: objective.beta ? noGrad(score) : [],
  };
}

/** Every stochastic transition of the edits under the present weights. */
function scored(
  samples: readonly TrainedEdit[],
  { backbone }: GenerationUpdateOptions,
): readonly ScoredTransition[] {
  const edits = samples.map(({ edit }) => edit);
  return scoreTransitions({ backbone, edits, steps: edits[0]!.trajectory.stochastic });
}

async function updateInTurns(
  samples: readonly TrainedEdit[],
  constants: UpdateConstants,
  options: GenerationUpdateOptions,
): Promise<Omit<ModuleReport, 'samples'>> {
  let old: readonly Tensor1D[] | undefined;
  let report: Omit<ModuleReport, 'samples'> | undefined;
  try {
    for (let turn = 0; turn < options.innerUpdates; turn++) {
      const { logProbs, ...present } = await updateOnce(samples, { ...constants, old }, options);
      report = report ? { ...present, ...gapsOf(report) } : present;
      if (old === undefined) old = logProbs;
      else dispose([...logProbs]);
    }
  } finally {
    dispose([...(old ?? [])]);
  }
  return report!;
}

/** The gaps are those of the first turn. */
function gapsOf({ rolloutGap, firstRatioGap }: Pick<ModuleReport, 'rolloutGap' | 'firstRatioGap'>) {
  return { rolloutGap, firstRatioGap };
}

/** A turn's report, with the log-probabilities before its step; the caller disposes them. */
type Turn = Omit<ModuleReport, 'samples'> & { readonly logProbs: readonly Tensor1D[] };

async function updateOnce(
  samples: readonly TrainedEdit[],
  constants: UpdateConstants & { readonly old: readonly Tensor1D[] | undefined },
  options: GenerationUpdateOptions,
): Promise<Turn> {
  const numbers: Pick<FlowStep, 'std' | 'deviation' | 'dt'>[] = [];
  const result = gradients(() => {
    const steps = scored(samples, options);
    numbers.push(...steps);
    const losses = steps.map((step, i) => flowLoss(flowStep(step, constants, i), options.objective));
    const stats = steps.flatMap(({ logProb, mean }, i) => [
      [`logProb.${i}`, logProb] as const,
      [`mean.${i}`, mean] as const,
    ]);
    return { loss: div(addN(losses), losses.length), stats: Object.fromEntries<Tensor>(stats) };
  }, options.backbone.parameters());
  try {
    const steps = numbers.map(({ std, deviation, dt }, i) => ({
      ...{ std, deviation, dt },
      logProb: result.stats[`logProb.${i}`] as Tensor1D,
      mean: result.stats[`mean.${i}`]!,
    }));
    const statistics = await Promise.all(
      steps.map((step, i) => flowStatistics(flowStep(step, constants, i), options.objective)),
    );
    const loss = (await result.loss.data())[0]!;
    const { gradientNorm, applied } = await gradientStep({ loss, gradients: result.gradients }, options);
    return {
      loss,
      kl: mean(statistics.map(({ kl }) => kl ?? 0)),
      clipFraction: mean(statistics.map(({ clipFraction }) => clipFraction)),
      gradientNorm,
      rolloutGap: await gapToSampled(samples, steps),
      firstRatioGap: Math.max(...statistics.map(({ ratioGap }) => ratioGap)),
      ...(!applied && { skipped: 'non-finite' as const }),
      logProbs: steps.map(({ logProb }) => logProb.clone()),
    };
  } finally {
    result.dispose();
  }
}

type ScoredStep = Pick<FlowStep, 'logProb' | 'mean' | 'std' | 'deviation' | 'dt'>;

function flowStep(
  step: ScoredStep,
  constants: UpdateConstants & { readonly old: readonly Tensor1D[] | undefined },
  index: number,
): FlowStep {
  return {
    ...step,
    oldLogProb: constants.old?.[index],
    advantages: constants.advantages,
    referenceMean: constants.referenceMeans[index],
  };
}

async function gapToSampled(samples: readonly TrainedEdit[], steps: readonly ScoredStep[]): Promise<number> {
  const gaps = steps.map(async ({ logProb }, i) => {
    const values = await logProb.data();
    return samples.map(({ edit }, row) => Math.abs(values[row]! - edit.trajectory.logProbs[i]!));
  });
  return Math.max(...(await Promise.all(gaps)).flat());
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
