import {
  addN,
  dispose,
  div,
  mul,
  type Scalar,
  Tensor,
  type TensorContainer,
  tidy,
} from '@tensorflow/tfjs-core';
import { noGrad, type ParameterMap, type WeightSnapshot } from '@thinkrl/nn';
import { ConfigError, type EditTask, type Group, type ModuleReport } from '@thinkrl/spec';
import type { GradientStepOptions } from './gradient-step.ts';
import { type GradientTaker, gradientTaker, type SharedOut } from './gradient-taker.ts';
import type { IterationStop } from './iteration-stop.ts';
import { type ReportWeights, reportOfAll } from './module-report.ts';
import type { ModuleUpdate } from './training-run.ts';

/** Runs a synchronous function with the weights of a reference policy in place. */
export type ReferenceWeights = Pick<WeightSnapshot, 'during'>;

/** How a module is trained, whatever its objective. */
export interface PolicyUpdateOptions extends GradientStepOptions {
  /** Weights the KL is taken to; needed when `objective.beta` is not 0. */
  readonly reference: ReferenceWeights | null;
  /** Where the module's parameters are shared out over the ranks. */
  readonly shared?: SharedOut | undefined;
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

/**
 * What one module learns from, or a portion of it that fits into memory, laid out once and scored in every turn. A part is
 * a record of tensors and numbers.
 */
export interface PolicyBatch<Part extends object> {
  /** Share of the whole loss; those of an update's batches add up to 1. */
  readonly weight: number;
  /** Every part under the present weights; on the tape. */
  score(): readonly Part[];
  loss(scores: PartScores<Part>): Scalar;
  statistics(scores: PartScores<Part>): Promise<PartStatistics>;
  /** Largest |log-probability while sampling - the same scored now|. */
  rolloutGap(parts: readonly Part[]): Promise<number>;
  dispose(): void;
}

/** All samples of an update. */
export interface Prepared<Part extends object> {
  readonly samples: number;
  /** How much they count beside the samples of other ranks. */
  readonly weights: ReportWeights;
  /** Differentiated one after another; their gradients are added up. */
  readonly batches: readonly PolicyBatch<Part>[];
}

/** A module as the update sees it. */
export interface TrainedModule<Task extends EditTask, Part extends object> {
  parameters(): ParameterMap;
  /** The samples of the groups that take part in the update; no batches when there are none. */
  prepare(groups: readonly Group<Task>[]): Prepared<Part>;
}

/**
 * The update both modules share: the reference scores every batch once; then, in every turn, the module scores them, the
 * mean loss of their parts is differentiated and the optimiser takes a step. The report is that of the last turn, its
 * gaps are those of the first. A rank that is told to stop leaves the batches that are still to be scored and waits for the
 * others before the step.
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
    async step(groups: readonly Group<Task>[], stop?: IterationStop) {
      const taker = gradientTaker(module.parameters(), { ...options, stop });
      const { prepared, references } = await taker.during(() =>
        prepare(module, groups, { ...options, stop }),
      );
      try {
        if (prepared.batches.length === 0) return await stepWithOthers(taker, options);
        const report = await takeTurns({ ...prepared, references, taker, stop }, options.innerUpdates);
        return await reportOfAll(options.processGroup, { report, weights: prepared.weights });
      } finally {
        disposeParts(references.flat());
        for (const batch of prepared.batches) batch.dispose();
        taker.dispose();
      }
    },
  };
}

/** The batches, and what the reference makes of them if there is one: of as many as it came to before a stop. */
async function prepare<Task extends EditTask, Part extends object>(
  module: TrainedModule<Task, Part>,
  groups: readonly Group<Task>[],
  { objective, reference, stop }: PolicyUpdateOptions & Stoppable,
) {
  const prepared = module.prepare(groups);
  const references: (readonly Part[])[] = [];
  for (const batch of objective.beta ? prepared.batches : []) {
    if (await stop?.asked()) break;
    references.push(referenceParts(batch, reference!));
  }
  return { prepared, references };
}

interface Stoppable {
  readonly stop: IterationStop | undefined;
}

/** A rank without samples takes the steps of those that have some. */
async function stepWithOthers(
  taker: GradientTaker,
  { processGroup, innerUpdates }: PolicyUpdateOptions,
): Promise<ModuleReport> {
  if (processGroup.worldSize > 1)
    for (let turn = 0; turn < innerUpdates; turn++) {
      await taker.during(async () => {});
      await taker.step(null);
    }
  return reportOfAll(processGroup, null);
}

function referenceParts<Part extends object>(
  batch: PolicyBatch<Part>,
  reference: ReferenceWeights,
): readonly Part[] {
  return noGrad(() => tidy(() => reference.during(() => batch.score() as readonly Part[] & TensorContainer)));
}

/** What does not change from turn to turn. */
interface UpdateConstants<Part extends object> extends Prepared<Part>, Stoppable {
  /** By batch; none without a KL. */
  readonly references: readonly (readonly Part[])[];
  readonly taker: GradientTaker;
}

async function takeTurns<Part extends object>(
  constants: UpdateConstants<Part>,
  innerUpdates: number,
): Promise<ModuleReport> {
  const first = await takeTurn(constants, []);
  try {
    const { rolloutGap, firstRatioGap } = first.report;
    let { report } = first;
    for (let turn = 1; turn < innerUpdates; turn++) {
      const later = await takeTurn(constants, first.parts);
      disposeParts(later.parts.flat());
      report = { ...later.report, rolloutGap, firstRatioGap };
    }
    return report;
  } finally {
    disposeParts(first.parts.flat());
  }
}

/** A turn's report, and the parts of each batch as they were scored before its step; the caller disposes them. */
interface Turn<Part> {
  readonly report: ModuleReport;
  readonly parts: readonly (readonly Part[])[];
}

/** Scores the batches, steps and sums up; `old` are the parts of the first turn, none in that turn itself. */
async function takeTurn<Part extends object>(
  { samples, weights, batches, references, taker, stop }: UpdateConstants<Part>,
  old: readonly (readonly Part[])[],
): Promise<Turn<Part>> {
  const scored: ScoredBatch<Part>[] = [];
  try {
    await taker.during(async () => {
      for (const [i, batch] of batches.entries()) {
        if (await stop?.asked()) break;
        scored.push(await scoreBatch({ batch, old: old[i] ?? [], reference: references[i] ?? [] }, taker));
      }
    });
    const loss = scored.reduce((total, batch) => total + batch.loss, 0);
    const { gradientNorm, applied } = await taker.step({ loss, weight: weights.loss });
    const report = {
      ...{ loss, gradientNorm, samples },
      rolloutGap: Math.max(...scored.map(({ rolloutGap }) => rolloutGap)),
      ...summary(scored),
      ...(!applied && { skipped: 'non-finite' as const }),
    };
    return { report, parts: scored.map(({ parts }) => parts) };
  } catch (error) {
    disposeParts(scored.flatMap(({ parts }) => parts));
    throw error;
  }
}

interface BatchScoring<Part extends object> {
  readonly batch: PolicyBatch<Part>;
  readonly old: readonly Part[];
  readonly reference: readonly Part[];
}

/** A batch after its backward pass. */
interface ScoredBatch<Part> {
  readonly weight: number;
  /** Its share of the whole loss. */
  readonly loss: number;
  readonly parts: readonly Part[];
  readonly statistics: readonly PartStatistics[];
  readonly rolloutGap: number;
}

/** Scores a batch and takes its gradients. */
async function scoreBatch<Part extends object>(
  { batch, old, reference }: BatchScoring<Part>,
  taker: GradientTaker,
): Promise<ScoredBatch<Part>> {
  const scores = (present: Part, i: number) => ({ present, old: old[i], reference: reference[i] });
  let scored: readonly Part[] = [];
  const result = taker.add(() => {
    scored = batch.score();
    const losses = scored.map((part, i) => batch.loss(scores(part, i)));
    const loss = mul(div(addN(losses), losses.length), batch.weight) as Scalar;
    return { loss, stats: tensorsOf(scored) };
  });
  const parts = withTensors(scored, result.stats);
  try {
    const statistics = await Promise.all(parts.map((part, i) => batch.statistics(scores(part, i))));
    const loss = (await result.loss.data())[0]!;
    const rolloutGap = await batch.rolloutGap(parts);
    return { weight: batch.weight, loss, parts, statistics, rolloutGap };
  } catch (error) {
    disposeParts(parts);
    throw error;
  } finally {
    result.loss.dispose();
  }
}

function summary(scored: readonly ScoredBatch<object>[]) {
  const statistics = scored.flatMap((batch) => batch.statistics);
  const weights = scored.flatMap((batch) =>
    batch.statistics.map(() => batch.weight / batch.statistics.length),
  );
  const average = (of: (part: PartStatistics) => number) =>
    statistics.reduce((total, part, i) => total + weights[i]! * of(part), 0);
  return {
    kl: average(({ kl }) => kl ?? 0),
    clipFraction: average(({ clipFraction }) => clipFraction),
    firstRatioGap: Math.max(...statistics.map(({ ratioGap }) => ratioGap)),
    ...(statistics.every(({ entropy }) => entropy != null) && {
      entropy: average(({ entropy }) => entropy!),
    }),
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
