import type { TrainableReasoningPolicy } from '@thinkrl/cot-sampler';
import type { EditBackbone } from '@thinkrl/edit-generator';
import type { ProcessGroup } from '@thinkrl/fsdp-shard';
import { AdamW, WeightSnapshot, warmupFlatLinear } from '@thinkrl/nn';
import {
  type CheckpointModule,
  createGenerationUpdate,
  createUnderstandingUpdate,
  type ReferenceWeights,
  type SharedOut,
  type TrainingRun,
} from '@thinkrl/orchestrator';
import type { EditTask } from '@thinkrl/spec';
import type { TrainingSettings } from './settings.ts';

/** Both modules as training sees them. */
export interface TrainableModules<Task extends EditTask> {
  /** Null where nobody plans, or where the planner cannot be trained. */
  readonly policy: TrainableReasoningPolicy<Task> | null;
  readonly backbone: EditBackbone;
}

/** What training needs to know of a run's settings. */
export interface ModuleTraining extends TrainingSettings {
  readonly iterations: number;
  /** Of the chains' tokens. */
  readonly temperature: number;
  readonly optimizer: { readonly beta2: number; readonly weightDecay: number };
  /** Most tokens that a chain's texts can have together: what `dr_grpo` divides by. */
  readonly mostTokens: number;
  /** Edits in one backward pass of one denoising step; all of them and all steps unless given. */
  readonly editsAtOnce?: number;
  /** Chains of one task in one backward pass; all chains unless given. */
  readonly chainsAtOnce?: number;
}

/** Modules that are shared out over the ranks, with the weights that a KL is taken to. */
export type SharedModules = Readonly<
  Partial<
    Record<
      CheckpointModule['name'],
      { readonly parts: SharedOut; readonly reference: ReferenceWeights } | undefined
    >
  >
>;

/** The modules that a run trains, each with its optimiser: of this rank's part where it is shared out. */
export function trainedModules<Task extends EditTask>(
  { policy, backbone }: TrainableModules<Task>,
  config: ModuleTraining,
  shared: SharedModules = {},
): readonly CheckpointModule[] {
  const found = { understanding: policy, generation: backbone };
  return (['understanding', 'generation'] as const).flatMap((name) => {
    const own = shared[name]?.parts.module.shards() ?? found[name]?.parameters();
    const parameters = config[name].train ? own : undefined;
    if (parameters === undefined) return [];
    const sharded = shared[name]?.parts.module;
    const optimizer = optimizerOf(parameters, config[name], config);
    return [{ name, parameters, optimizer, ...(sharded && { sharded }) }];
  });
}

function optimizerOf(
  parameters: CheckpointModule['parameters'],
  { learningRate: peak, decay, innerUpdates }: TrainingSettings['understanding' | 'generation'],
  { iterations, optimizer }: ModuleTraining,
): AdamW {
  const total = Math.max(1, iterations * innerUpdates);
  const flat = Math.floor((1 - decay) * total);
  const learningRate =
    decay === 0 ? peak : warmupFlatLinear({ peak, total, flat: Math.min(flat, total - 1) });
  return AdamW.create({ parameters, learningRate, beta1: 0.9, ...optimizer });
}

/** The weights at this moment of each module whose KL counts: taken before a checkpoint is loaded. */
export function referencesOf(
  trained: readonly CheckpointModule[],
  config: TrainingSettings,
  shared: SharedModules = {},
): References {
  const reference = (name: CheckpointModule['name']) => {
    const module = trained.find((one) => one.name === name);
    if (module === undefined || config[name].beta === 0) return null;
    return shared[name]?.reference ?? new WeightSnapshot(module.parameters);
  };
  return { understanding: reference('understanding'), generation: reference('generation') };
}

/** Reference weights by module; null without a KL. */
export type References = Readonly<Record<CheckpointModule['name'], ReferenceWeights | null>>;

/** What {@link updatesOf} is made from. */
export interface UpdateParts<Task extends EditTask> extends TrainableModules<Task> {
  readonly trained: readonly CheckpointModule[];
  readonly references: References;
  readonly processGroup: ProcessGroup;
  readonly shared?: SharedModules;
}

/** The updates of the modules that are trained. */
export function updatesOf<Task extends EditTask>(
  { policy, backbone, trained, references, processGroup, shared = {} }: UpdateParts<Task>,
  config: ModuleTraining,
): TrainingRun<Task>['updates'] {
  const optimizer = (name: CheckpointModule['name']) =>
    trained.find((module) => module.name === name)?.optimizer;
  const understanding = optimizer('understanding');
  const generation = optimizer('generation');
  const { aggregation, epsilonLow, epsilonHigh } = config.understanding;
  return {
    understanding:
      policy === null || understanding === undefined
        ? null
        : createUnderstandingUpdate<Task>({
            policy,
            optimizer: understanding,
            reference: references.understanding,
            shared: shared.understanding?.parts,
            processGroup,
            temperature: config.temperature,
            objective: {
              ...{ aggregation, epsilonLow, epsilonHigh },
              beta: config.understanding.beta,
              maximumTokens: config.mostTokens,
            },
            innerUpdates: config.understanding.innerUpdates,
            maxGradientNorm: config.understanding.maxGradientNorm,
            ...(config.chainsAtOnce !== undefined && { chainsAtOnce: config.chainsAtOnce }),
          }),
    generation:
      generation === undefined
        ? null
        : createGenerationUpdate<Task>({
            backbone,
            optimizer: generation,
            reference: references.generation,
            shared: shared.generation?.parts,
            processGroup,
            objective: { clip: config.generation.clip, beta: config.generation.beta },
            innerUpdates: config.generation.innerUpdates,
            maxGradientNorm: config.generation.maxGradientNorm,
            ...(config.editsAtOnce !== undefined && { editsAtOnce: config.editsAtOnce }),
          }),
  };
}
