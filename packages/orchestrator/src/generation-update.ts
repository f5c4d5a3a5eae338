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
      return samples.length === 0 ? null : transitionsOf(samples, options);
    },
  });
}

/** Every stochastic step of the edits is a part. */
function transitionsOf(
  samples: readonly TrainedEdit[],
  { backbone, objective }: GenerationUpdateOptions,
): PolicyBatch<ScoredTransition> {
  const edits = samples.map(({ edit }) => edit);
  const batch = prepareTransitions({ backbone, edits, steps: edits[0]!.trajectory.stochastic });
  const advantages = tensor1d(samples.map(({ advantage }) => advantage));
  const compared = ({ present, old, reference }: PartScores<ScoredTransition>): FlowStep => ({
    ...{ ...present, advantages },
    oldLogProb: old?.logProb,
    oldMean: old?.mean,
    referenceMean: reference?.mean,
  });
  return {
    samples: samples.length,
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
  const gaps = steps.map(async ({ logProb }, i) => {
    const values = await logProb.data();
    return edits.map(({ trajectory }, row) => Math.abs(values[row]! - trajectory.logProbs[i]!));
  });
  return Math.max(...(await Promise.all(gaps)).flat());
}
