import { dispose, type Scalar, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { type GradientShare, inStep, type ProcessGroup, type ShardedModule } from '@thinkrl/fsdp-shard';
import { clipScale, gradients, type Objective, type ParameterMap } from '@thinkrl/nn';
import { type GradientStep, type GradientStepOptions, gradientStep } from './gradient-step.ts';
import { GradientSum } from './gradient-sum.ts';
import type { IterationStop } from './iteration-stop.ts';

/** A module whose parameters are shared out over the ranks. */
export interface SharedOut {
  readonly module: ShardedModule;
  /** It, and the others that may be needed while it is trained. */
  readonly together: readonly ShardedModule[];
}

/** Loss and statistics of an objective; the caller's to dispose. */
export interface Evaluated<Stats extends string = string> {
  readonly loss: Scalar;
  readonly stats: Readonly<Record<Stats, Tensor>>;
}

/** A rank's loss, and how much it counts beside those of others. */
export type Share = Required<Omit<GradientShare, 'gradients'>>;

/** Takes gradients, one objective after another, and a step by their sum. */
export interface GradientTaker {
  /** Runs work that computes with the module; every rank calls it. */
  during<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Evaluates an objective and adds its gradients; inside {@link GradientTaker.during}. */
  add<Stats extends string>(objective: () => Objective<Stats>): Evaluated<Stats>;
  /**
   * Steps by the mean over the ranks that have a share; this one has none with null. Every rank calls it.
   *
   * @throws the reason of `stop.signal` on all ranks, before anything is changed, where one was told to stop.
   */
  step(share: Share | null): Promise<GradientStep>;
  /** Releases what no step was taken by. */
  dispose(): void;
}

/** What steps are taken by, and what may end them. */
export interface GradientTakerOptions extends GradientStepOptions {
  readonly shared?: SharedOut | undefined;
  readonly stop?: IterationStop | undefined;
}

/** Takes gradients of a module that is whole on this rank, or shared out. */
export function gradientTaker(parameters: ParameterMap, options: GradientTakerOptions): GradientTaker {
  const { shared, stop } = options;
  const taker = shared === undefined ? wholeTaker(parameters, options) : sharedTaker(shared, options);
  return stop === undefined ? taker : { ...taker, step: (share) => stepUnlessStopped(taker, share, stop) };
}

async function stepUnlessStopped(
  taker: GradientTaker,
  share: Share | null,
  stop: IterationStop,
): Promise<GradientStep> {
  await stop.meet();
  const step = await taker.step(share);
  if (step.applied) stop.noteStep();
  return step;
}

function wholeTaker(parameters: ParameterMap, options: GradientStepOptions): GradientTaker {
  const sum = new GradientSum();
  return {
    during: (work) => work(),
    add(objective) {
      const { loss, stats, gradients: slopes } = gradients(objective, parameters);
      sum.add(slopes);
      return { loss, stats };
    },
    step: (share) => gradientStep(share && { ...share, gradients: sum.take() }, parameters, options),
    dispose: () => sum.dispose(),
  };
}

function sharedTaker(
  { module, together }: SharedOut,
  { optimizer, processGroup, maxGradientNorm }: GradientStepOptions,
): GradientTaker {
  return {
    during: (work) => inStep(together, work),
    add: (objective) => module.accumulate(objective),
    async step(own) {
      const { loss, weight } = own ?? { loss: 0, weight: 0 };
      const [total, weights] = await sumsOf(processGroup, [weight * loss, weight]);
      const slopes = module.collect(weight);
      const norm = await module.globalNorm(slopes);
      // They are a mean over all ranks; it is to be one over the weights.
      const share = weights === 0 ? 0 : processGroup.worldSize / weights!;
      const gradientNorm = share * norm;
      const applied = weights !== 0 && Number.isFinite(total) && Number.isFinite(gradientNorm);
      if (applied)
        optimizer.step(slopes, { gradientScale: share * clipScale(gradientNorm, maxGradientNorm) });
      dispose([...slopes.values()]);
      return { gradientNorm, applied };
    },
    dispose: () => module.discard(),
  };
}

async function sumsOf(group: ProcessGroup, numbers: readonly number[]): Promise<readonly number[]> {
  const own = tensor1d([...numbers]);
  const [sums] = await group.allReduce([own], 'sum');
  const values = [...(await sums!.data())];
  dispose([own, sums!]);
  return values;
}
