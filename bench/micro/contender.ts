import { loadMicro } from '@thinkrl/backbones/micro';
import { singleProcess } from '@thinkrl/fsdp-shard';
import { createMicroReward, type MicroTask } from '@thinkrl/microworld';
import { AdamW, type ParameterMap, WeightSnapshot } from '@thinkrl/nn';
import { assignCredit, createGenerationUpdate, createUnderstandingUpdate } from '@thinkrl/orchestrator';
import { groupingOf, type MicroConfig, samplerOf } from '@thinkrl/recipes';
import type { Chain, Group, Key, ModuleReport } from '@thinkrl/spec';

/** One roll-out to make. */
export interface RolloutRequest {
  readonly tasks: readonly MicroTask[];
  readonly window: readonly number[];
  readonly key: Key;
}

/** This project's side of the comparison: the parts of the training loop, each to be timed alone. */
export type Contender = Awaited<ReturnType<typeof createContender>>;

/** Wires sampler and updates as `thinkrl train` does with the default configuration. */
export async function createContender(config: MicroConfig, weights: string) {
  const models = await loadMicro({ weights });
  const sampler = samplerOf(models, config);
  const reward = createMicroReward(config.judge);
  const processGroup = singleProcess();
  const common = (
    parameters: ParameterMap,
    { learningRate, beta, innerUpdates, maxGradientNorm }: ModuleSettings,
  ) => ({
    optimizer: AdamW.create({ parameters, learningRate, beta1: 0.9, beta2: 0.99, weightDecay: 0 }),
    reference: beta > 0 ? new WeightSnapshot(parameters) : null,
    processGroup,
    innerUpdates,
    maxGradientNorm,
  });
  const { aggregation, epsilonLow, epsilonHigh } = config.understanding;
  const understanding = createUnderstandingUpdate<MicroTask>({
    ...common(models.policy.parameters(), config.understanding),
    policy: models.policy,
    temperature: config.temperature,
    objective: { aggregation, epsilonLow, epsilonHigh, beta: config.understanding.beta },
  });
  const generation = createGenerationUpdate<MicroTask>({
    ...common(models.backbone.parameters(), config.generation),
    backbone: models.backbone,
    objective: { clip: config.generation.clip, beta: config.generation.beta },
  });
  return {
    models,
    rollOut: ({ tasks, window, key }: RolloutRequest): Promise<readonly Chain<MicroTask>[]> =>
      sampler.sample({
        tasks,
        groupSize: config.groupSize,
        sampling: { temperature: config.temperature },
        stochastic: window,
        key,
      }),
    async credit(chains: readonly Chain<MicroTask>[], key: Key): Promise<readonly Group<MicroTask>[]> {
      const { grouping, credit: mode } = config;
      const judged = await reward.judge(chains, key);
      return assignCredit(judged, {
        group: groupingOf(grouping),
        mode,
        improvementFloor: grouping.deviationFloor,
      });
    },
    updateUnderstanding: (groups: readonly Group<MicroTask>[]): Promise<ModuleReport> =>
      understanding.step(groups),
    updateGeneration: (groups: readonly Group<MicroTask>[]): Promise<ModuleReport> => generation.step(groups),
  };
}

type ModuleSettings = Pick<
  MicroConfig['understanding'],
  'learningRate' | 'beta' | 'innerUpdates' | 'maxGradientNorm'
>;
