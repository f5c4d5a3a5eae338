import { ConfigError } from '@thinkrl/spec';
import { z } from 'zod';

/** A number from 0 to 1. */
const share = z.number('use a number from 0 to 1').min(0, 'use at least 0').max(1, 'use at most 1');

/** A number above 0. */
export const positive = z.number('use a number above 0').positive('use a number above 0');

/** A number of at least 0. */
export const atLeastZero = z.number('use a number of at least 0').min(0, 'use at least 0');

/** A whole number of at least `least`. */
export const whole = (least: number) =>
  z.int(`use a whole number of at least ${least}`).min(least, `use a whole number of at least ${least}`);

/** One of some names. */
export const oneOf = <const T extends readonly [string, ...string[]]>(names: T) =>
  z.enum(names, `use one of ${names.join(', ')}`);

/** True or false. */
export const yesNo = z.boolean('use true or false');

/** Settings of the engine that a run computes on. */
export const engineSettings = z.strictObject({
  name: oneOf(['auto', 'torch', 'tensorflow', 'wasm', 'cpu']),
  /** `cpu`, or `cuda:N` with the torch engine. */
  device: z.string().regex(/^(cpu|cuda(:\d+)?)$/, 'use cpu or cuda:N'),
  threads: whole(1),
});

/** What a run keeps besides its metrics. */
export const keptSettings = {
  /** Iterations between checkpoints. */
  checkpointEvery: whole(1),
  /** The newest so many checkpoints stay. */
  keepCheckpoints: whole(1),
  /** Iterations between recorded groups of chains, with pictures. */
  recordEvery: whole(1),
  /** Share of recorded groups per recorded iteration. */
  recordShare: share,
};

/** How chains of a group are compared. */
export const groupingSettings = z.strictObject({
  method: oneOf(['ucpg', 'sum', 'gdpo', 'pairs']),
  /** Advantages in a UCPG chain from summed rewards or from ranks. */
  advantage: oneOf(['sum', 'rank']),
  /** The reward that UCPG does not trade for the others; `none` is the paper's rule. */
  lead: oneOf(['none', 'instruction', 'consistency', 'quality']),
  /** Weights of instruction, consistency and quality; used by `sum` and `gdpo` only. */
  weights: z.tuple([atLeastZero, atLeastZero, atLeastZero], 'use three numbers, e.g. [1, 1, 1]'),
  /** Smallest deviation, in units of one reward, that advantages are divided by, so that judge noise is not blown up. */
  deviationFloor: atLeastZero,
});

/** Settings of the grouping of chains. */
export type GroupingSettings = z.infer<typeof groupingSettings>;

const moduleSettings = {
  /** False freezes the module. */
  train: yesNo,
  learningRate: positive,
  /** Share of the run, its last part, over which the learning rate falls to 0 in a straight line. */
  decay: share,
  /** Weight of the KL to the reference policy. */
  beta: atLeastZero,
  /** Optimiser steps per roll-out; the ratio is exactly 1 in the first. */
  innerUpdates: whole(1),
  /** Gradients are scaled down to this global norm. */
  maxGradientNorm: positive,
};

/** How the understanding module is trained. */
export const understandingSettings = {
  ...moduleSettings,
  /** How token losses are averaged. */
  aggregation: oneOf(['grpo', 'bnpo', 'dr_grpo', 'dapo', 'cispo']),
  epsilonLow: positive,
  epsilonHigh: positive,
};

/** How the generation module is trained. */
export const generationSettings = {
  ...moduleSettings,
  /** Clip range of the per-step ratio. */
  clip: positive,
};

/** Settings of both modules' training, whatever else a recipe asks of them. */
export interface TrainingSettings {
  readonly understanding: z.infer<z.ZodObject<typeof understandingSettings>>;
  readonly generation: z.infer<z.ZodObject<typeof generationSettings>>;
}

/** Throws ConfigError where the stochastic steps do not fit into those that may be stochastic, `open` of them. */
export function checkWindow(
  { window, steps }: { readonly window: number; readonly steps: number },
  open: number = steps - 1,
): void {
  if (window <= open) return;
  const fix = `use at most ${open} with editing.steps ${steps}: the last step is never stochastic`;
  throw new ConfigError({ field: 'editing.window', value: window, fix });
}

/** Throws ConfigError where chains of a group cannot share plans as they are told to. */
export function checkPlansShared({
  editsPerPlan,
  groupSize,
  mode,
}: {
  readonly editsPerPlan: number;
  readonly groupSize: number;
  readonly mode: 'full' | 'plan' | 'direct';
}): void {
  if (editsPerPlan > 1 && mode === 'direct') {
    throw new ConfigError({
      field: 'editsPerPlan',
      value: editsPerPlan,
      fix: 'use 1 with mode direct: there are no plans',
    });
  }
  if (groupSize % editsPerPlan !== 0 || groupSize === editsPerPlan) {
    const fix = `use a divisor of groupSize ${groupSize} below it, so that there are plans to compare`;
    throw new ConfigError({ field: 'editsPerPlan', value: editsPerPlan, fix });
  }
}

/** Throws ConfigError where both modules are frozen and yet there are iterations. */
export function checkTrainsSomething(config: TrainingSettings & { readonly iterations: number }): void {
  if (config.iterations === 0 || config.understanding.train || config.generation.train) return;
  throw new ConfigError({
    field: 'understanding.train',
    value: false,
    fix: 'train at least one of understanding and generation, or set iterations to 0',
  });
}
