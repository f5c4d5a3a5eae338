import { addN, dispose, div, type Scalar, Tensor, type TensorContainer, tidy } from '@tensorflow/tfjs-core';
import { gradients, noGrad, type ParameterMap, type WeightSnapshot } from '@thinkrl/nn';
import { ConfigError, type EditTask, type Group, type ModuleReport } from '@thinkrl/spec';
import { type GradientStepOptions, gradientStep } from './gradient-step.ts';
import { noSamples } from './module-report.ts';
import type { ModuleUpdate } from './training-run.ts';

/** How a module is trained, whatever its objective. */
export interface PolicyUpdateOptions extends GradientStepOptions {
  /** Weights the KL is taken to; needed when `objective.beta` is not 0. */
  readonly reference: WeightSnapshot | null;
  readonly objective: { readonly beta?: number };
  /** Optimiser steps per roll-out; old log-probabilities are those of the first. */
  readonly innerUpdates: number;
}

/** A part of the batch (all its tokens, or one denoising step) as the weights of three moments score it. */
export interface PartScores<Part> {
  readonly present: Part;
  /** Under the weights of the first turn; left out in that turn, which is on policy. */
  readonly old?: Part | undefined;
  /** Under the reference weights; left out without a KL. */
  readonly reference?: Part | undefined;
}

/** What a part adds to the report. */
export interface PartStatistics {
  readonly clipFraction: number;
  readonly kl: number | null;
  readonly ratioGap: number;
  readonly entropy?: number | null;
}

/** What one module learns from, laid out once and scored in every turn. A part is a record of tensors and numbers. */
export interface PolicyBatch<Part extends object> {
  readonly samples: number;
  /** Every part under the present weights; on the tape. */
  score(): readonly Part[];
  loss(scores: PartScores<Part>): Scalar;
  statistics(scores: PartScores<Part>): Promise<PartStatistics>;
  /** Largest |log-probability while sampling - the same scored now|. */
  rolloutGap(parts: readonly Part[]): Promise<number>;
  dispose(): void;
}

/** A module as the update sees it. */
export interface TrainedModule<Task extends EditTask, Part extends object> {
  parameters(): ParameterMap;
  /** The samples of the groups that take part in the update; null when there are none. */
  prepare(groups: readonly Group<Task>[]): PolicyBatch<Part> | null;
}

/**
 * The update both modules share: the reference scores the batch once; then, in every turn, the module scores it, the
 * mean loss of its parts is differentiated and the optimiser takes a step. The report is that of the last turn, its
 * gaps are those of the first.
 *
 * @throws ConfigError when a KL is asked for without a reference.
 */
export function createPolicyUpdate<Task extends EditTask, Part extends object>(
  options: PolicyUpdateOptions,
  module: TrainedModule<Task, Part>,
): ModuleUpdate<Task> {
  const { beta } = options.objective;
  if (beta && options.reference === null) {
    throw new ConfigError({ field: 'objective.beta', value: beta, fix: 'give a reference, or set it to 0' });
  }
  return {
    async step(groups: readonly Group<Task>[]) {
      const batch = module.prepare(groups);
      if (batch === null) return stepWithOthers(module.parameters(), options);
      const reference = beta ? referenceParts(batch, options.reference!) : [];
      try {
        return await takeTurns({ batch, reference, parameters: module.parameters() }, options);
      } finally {
        disposeParts(reference);
        batch.dispose();
      }
    },
  };
}

/** A rank without samples takes the steps of those that have some. */
async function stepWithOthers(parameters: ParameterMap, options: PolicyUpdateOptions): Promise<ModuleReport> {
  if (options.processGroup.worldSize > 1)
    for (let turn = 0; turn < options.innerUpdates; turn++) await gradientStep(null, parameters, options);
  return noSamples();
}

function referenceParts<Part extends object>(
  batch: PolicyBatch<Part>,
  reference: WeightSnapshot,
): readonly Part[] {
  return noGrad(() => tidy(() => reference.during(() => batch.score() as readonly Part[] & TensorContainer)));
}

/** What does not change from turn to turn. */
interface UpdateConstants<Part extends object> {
  readonly batch: PolicyBatch<Part>;
  readonly reference: readonly Part[];
  readonly parameters: ParameterMap;
}

async function takeTurns<Part extends object>(
  constants: UpdateConstants<Part>,
  options: PolicyUpdateOptions,
): Promise<ModuleReport> {
  const first = await takeTurn(constants, [], options);
  try {
    const { rolloutGap, firstRatioGap } = first.report;
    let { report } = first;
    for (let turn = 1; turn < options.innerUpdates; turn++) {
      const later = await takeTurn(constants, first.parts, options);
      disposeParts(later.parts);
      report = { ...later.report, rolloutGap, firstRatioGap };
    }
    return report;
  } finally {
    disposeParts(first.parts);
  }
}

/** A turn's report, and the parts as they were scored before its step; the caller disposes them. */
interface Turn<Part> {
  readonly report: ModuleReport;
  readonly parts: readonly Part[];
}

/** Scores the batch, steps and sums up; `old` are the parts of the first turn, none in that turn itself. */
async function takeTurn<Part extends object>(
  { batch, reference, parameters }: UpdateConstants<Part>,
  old: readonly Part[],
  options: PolicyUpdateOptions,
): Promise<Turn<Part>> {
  const scores = (present: Part, i: number) => ({ present, old: old[i], reference: reference[i] });
  let scored: readonly Part[] = [];
  const result = gradients(() => {
    scored = batch.score();
    const losses = scored.map((part, i) => batch.loss(scores(part, i)));
    return { loss: div(addN(losses), losses.length) as Scalar, stats: tensorsOf(scored) };
  }, parameters);
  try {
    const parts = withTensors(scored, result.stats);
    const statistics = await Promise.all(parts.map((part, i) => batch.statistics(scores(part, i))));
    const loss = (await result.loss.data())[0]!;
    const rolloutGap = await batch.rolloutGap(parts);
    const share = { loss, gradients: result.gradients };
    const { gradientNorm, applied } = await gradientStep(share, parameters, options);
    const report = {
      ...{ loss, gradientNorm, rolloutGap, samples: batch.samples },
      ...summary(statistics),
      ...(!applied && { skipped: 'non-finite' as const }),
    };
    result.loss.dispose();
    return { report, parts };
  } catch (error) {
    result.dispose();
    throw error;
  }
}

function summary(statistics: readonly PartStatistics[]) {
  const entropies = statistics.flatMap(({ entropy }) => (entropy == null ? [] : [entropy]));
  return {
    kl: mean(statistics.map(({ kl }) => kl ?? 0)),
    clipFraction: mean(statistics.map(({ clipFraction }) => clipFraction)),
    firstRatioGap: Math.max(...statistics.map(({ ratioGap }) => ratioGap)),
    ...(entropies.length > 0 && { entropy: mean(entropies) }),
  };
}

function disposeParts(parts: readonly object[]): void {
  dispose(Object.values(tensorsOf(parts)));
}

/** The tensors of all parts, named so that {@link withTensors} finds them again. */
function tensorsOf(parts: readonly object[]): Readonly<Record<string, Tensor>> {
  const named = parts.flatMap((part, i) =>
    Object.entries(part).map(([field, value]) => [`${i}.${field}`, value] as const),
  );
  return Object.fromEntries(named.filter(([, value]) => value instanceof Tensor));
}

/** The parts with these tensors in place of their own, which were freed with the tape. */
function withTensors<Part extends object>(
  parts: readonly Part[],
  tensors: Readonly<Record<string, Tensor>>,
): readonly Part[] {
  return parts.map((part, i) => {
    const fields = Object.entries(part).map(([field, value]) => [field, tensors[`${i}.${field}`] ?? value]);
    return Object.fromEntries(fields) as Part;
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
