import { tensor1d } from '@tensorflow/tfjs-core';
import { type EditBackbone, prepareTransitions, type ScoredTransition } from '@thinkrl/edit-generator';
import { type FlowObjective, type FlowStep, flowLoss, flowStatistics } from '@thinkrl/grpo-core';
import type { Edit, EditTask } from '@thinkrl/spec';
import {
  createPolicyUpdate,
  type PartScores,
  type PolicyBatch,
  type PolicyUpdateOptions,
} from './policy-update.ts';
import { type TrainedEdit, trainedEdits } from './samples.ts';
import type { ModuleUpdate } from './training-run.ts';

/** How the generation module is trained. */
export interface GenerationUpdateOptions extends PolicyUpdateOptions {
  readonly backbone: EditBackbone;
  readonly objective: FlowObjective;
  /**
   * Edits in one backward pass, of one denoising step; fewer take less memory and more time. All edits and all steps at
   * once unless given.
   */
  readonly editsAtOnce?: number;
}

/**
 * Flow-GRPO on the SDE steps of the kept chains' edits, first and later ones in one batch (method section 4).
 *
 * @throws ConfigError when a KL is asked for without a reference.
 */
export function createGenerationUpdate<Task extends EditTask>(
  options: GenerationUpdateOptions,
): ModuleUpdate<Task> {
  return createPolicyUpdate(options, {
    parameters: () => options.backbone.parameters(),
    prepare(groups) {
      const samples = trainedEdits(groups);
      const weights = { loss: samples.length, statistics: samples.length };
      return { samples: samples.length, weights, batches: portionsOf(samples, options) };
    },
  });
}

/** All edits and steps as one batch, or every step of every so many edits as a batch of its own. */
function portionsOf(
  samples: readonly TrainedEdit[],
  options: GenerationUpdateOptions,
): readonly PolicyBatch<ScoredTransition>[] {
  const { editsAtOnce = null } = options;
  if (samples.length === 0) return [];
  const steps = samples[0]!.edit.trajectory.stochastic;
  if (editsAtOnce === null) return [transitionsOf({ samples, steps, weight: 1 }, options)];
  const portions: PolicyBatch<ScoredTransition>[] = [];
  for (let from = 0; from < samples.length; from += editsAtOnce) {
    const some = samples.slice(from, from + editsAtOnce);
    const weight = some.length / samples.length / steps.length;
    for (const step of steps) portions.push(transitionsOf({ samples: some, steps: [step], weight }, options));
  }
  return portions;
}

interface Portion {
  readonly samples: readonly TrainedEdit[];
  readonly steps: readonly number[];
  readonly weight: number;
}

/** Every step of the edits is a part. */
function transitionsOf(
  { samples, steps, weight }: Portion,
  { backbone, objective }: GenerationUpdateOptions,
): PolicyBatch<ScoredTransition> {
  const edits = samples.map(({ edit }) => edit);
  const batch = prepareTransitions({ backbone, edits, steps });
  const advantages = tensor1d(samples.map(({ advantage }) => advantage));
  const compared = ({ present, old, reference }: PartScores<ScoredTransition>): FlowStep => ({
    ...{ ...present, advantages },
    oldLogProb: old?.logProb,
    oldMean: old?.mean,
    referenceMean: reference?.mean,
  });
  return {
    weight,
    score: () => batch.score(),
    loss: (scores) => flowLoss(compared(scores), objective),
    statistics: (scores) => flowStatistics(compared(scores), objective),
    rolloutGap: (steps) => gapToSampled(edits, steps),
    dispose() {
      batch.dispose();
      advantages.dispose();
    },
  };
}

async function gapToSampled(edits: readonly Edit[], steps: readonly ScoredTransition[]): Promise<number> {
  const gaps = steps.map(async ({ step, logProb }) => {
    const values = await logProb.data();
    return edits.map(({ trajectory }, row) => {
      const sampled = trajectory.logProbs[trajectory.stochastic.indexOf(step)]!;
      return Math.abs(values[row]! - sampled);
    });
  });
  return Math.max(...(await Promise.all(gaps)).flat());
}
