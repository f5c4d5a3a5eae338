import { loadMicro, type MicroEditBackbone, type MicroPolicy, microCodec } from '@thinkrl/backbones/micro';
import { type ChainSampler, createChainSampler, fromPrevious } from '@thinkrl/cot-sampler';
import { createEditSampler } from '@thinkrl/edit-generator';
import type { MicroTask } from '@thinkrl/microworld';
import { loadCheckpointWeights, RunFolderError, runFolder, savedSteps } from '@thinkrl/orchestrator';
import type { MicroConfig } from './config.ts';
import { roundsOf } from './rounds.ts';

/** The micro pair of understanding and generation modules. */
export interface MicroModels {
  readonly policy: MicroPolicy;
  readonly backbone: MicroEditBackbone;
}

/** Where weights come from; the shipped ones without a choice. */
export interface ModelSource {
  /** A safetensors file of both models, laid out as the shipped one. */
  readonly weights?: string | undefined;
  /** A run folder: the newest checkpoint is laid over the weights. */
  readonly run?: string | undefined;
}

/**
 * Loads the micro models.
 *
 * @throws RunFolderError when the run has no checkpoint or a damaged one; MicroWeightsError for the weights file.
 */
export async function loadModels({ weights, run }: ModelSource = {}): Promise<MicroModels> {
  const models = await loadMicro(weights === undefined ? {} : { weights });
  if (run !== undefined) {
    const { checkpoints } = runFolder(run);
    const newest = savedSteps(checkpoints).at(-1);
    if (newest === undefined) throw new RunFolderError(run, 'holds no checkpoint');
    const modules = { understanding: models.policy.parameters(), generation: models.backbone.parameters() };
    await loadCheckpointWeights(checkpoints, newest, modules);
  }
  return models;
}

/** The chain sampler that a configuration asks for. */
export function samplerOf(
  { policy, backbone }: MicroModels,
  { mode, rounds, editing }: Pick<MicroConfig, 'mode' | 'rounds' | 'editing'>,
): ChainSampler<MicroTask> {
  return createChainSampler<MicroTask>({
    policy: mode === 'direct' ? null : policy,
    editor: createEditSampler({ backbone, codec: microCodec, steps: editing.steps, eta: editing.eta }),
    composer: fromPrevious,
    rounds: roundsOf({ mode, rounds }),
  });
}
