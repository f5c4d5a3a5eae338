import { SLOTS, VOCABULARY } from '@thinkrl/microworld';
import { ConfigError } from '@thinkrl/spec';
import { closest } from 'fastest-levenshtein';
import { z } from 'zod';

const share = z.number('use a number from 0 to 1').min(0, 'use at least 0').max(1, 'use at most 1');
const positive = z.number('use a number above 0').positive('use a number above 0');
const atLeastZero = z.number('use a number of at least 0').min(0, 'use at least 0');
const whole = (least: number) =>
  z.int(`use a whole number of at least ${least}`).min(least, `use a whole number of at least ${least}`);
const oneOf = <const T extends readonly [string, ...string[]]>(names: T) =>
  z.enum(names, `use one of ${names.join(', ')}`);
const yesNo = z.boolean('use true or false');
const vocabulary = VOCABULARY as readonly [string, ...string[]];

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

const microSchema = z.strictObject({
  /** Decides every task, draw and judgement of the run. */
  seed: whole(0),
  iterations: whole(0),
  /** `direct` edits from the bare instruction, `plan` thinks first, `full` also reflects and edits again. */
  mode: oneOf(['full', 'plan', 'direct']),
  /** Rounds of reflect-and-edit in `full` mode. */
  rounds: whole(1),
  engine: z.strictObject({
    name: oneOf(['auto', 'torch', 'tensorflow', 'wasm', 'cpu']),
    /** `cpu`, or `cuda:N` with the torch engine. */
    device: z.string().regex(/^(cpu|cuda(:\d+)?)$/, 'use cpu or cuda:N'),
    threads: whole(1),
  }),
  tasksPerIteration: whole(1),
  /** Chains per task, G of the paper. */
  groupSize: whole(2),
  /** Chains of a group that share a plan; above 1, plans and edits are credited apart. */
  editsPerPlan: whole(1),
  temperature: positive,
  /** Draws only plans and reflections that parse, in training and evaluation. */
  constrained: yesNo,
  /** When plans and reflections end besides at their end token. */
  stop: z.strictObject({
    /** Most tokens, the end token included. */
    mostTokens: whole(1).max(SLOTS.plan, `use at most ${SLOTS.plan}, what the model has room for`),
    /** Words that end a text, for example `.` for plans of one operation. */
    after: z.array(z.enum(vocabulary, 'use words of the vocabulary'), 'use a list of words, e.g. ["."]'),
  }),
  /** `conflict` is built to mislead an equal-weight sum. */
  judge: oneOf(['benign', 'conflict']),
  /** Whether the judge's replies are kept in the run folder, so that a resumed run asks nothing again. */
  keepJudgements: z.boolean(),
  grouping: z.strictObject({
    method: oneOf(['ucpg', 'sum', 'gdpo', 'pairs']),
    /** Advantages in a UCPG chain from summed rewards or from ranks. */
    advantage: oneOf(['sum', 'rank']),
    /** The reward that UCPG does not trade for the others; `none` is the paper's rule. */
    lead: oneOf(['none', 'instruction', 'consistency', 'quality']),
    /** Weights of instruction, consistency and quality; used by `sum` and `gdpo` only. */
    weights: z.tuple([atLeastZero, atLeastZero, atLeastZero], 'use three numbers, e.g. [1, 1, 1]'),
    /** Smallest deviation, in units of one reward, that advantages are divided by, so that judge noise is not blown up. */
    deviationFloor: atLeastZero,
  }),
  /** `shared` gives all stages the final picture's advantage, `stage` credits each stage with what it changed. */
  credit: oneOf(['stage', 'shared']),
  editing: z.strictObject({
    /** Denoising steps per edit. */
    steps: whole(2),
    /** Noise level of the SDE steps. */
    eta: positive,
    /** Steps drawn by the SDE, and trained on; chosen anew each iteration, never the last step. */
    window: whole(1),
  }),
  understanding: z.strictObject({
    ...moduleSettings,
    /** How token losses are averaged. */
    aggregation: oneOf(['grpo', 'bnpo', 'dr_grpo', 'dapo', 'cispo']),
    epsilonLow: positive,
    epsilonHigh: positive,
  }),
  generation: z.strictObject({
    ...moduleSettings,
    /** Clip range of the per-step ratio. */
    clip: positive,
  }),
  evaluation: z.strictObject({
    /** Fresh tasks per split, before and after training. */
    tasks: whole(0),
    /** 0 is greedy. */
    temperature: atLeastZero,
  }),
  checkpointEvery: whole(1),
  keepCheckpoints: whole(1),
  /** Iterations between recorded groups of chains, with pictures. */
  recordEvery: whole(1),
  /** Share of recorded groups per recorded iteration. */
  recordShare: share,
});

/** Settings of a run in the micro-world; see {@link defaultMicroConfig} for what they are without a choice. */
export type MicroConfig = z.infer<typeof microSchema>;

/** The settings of `npm run demo`. */
export const defaultMicroConfig: MicroConfig = {
  seed: 1,
  iterations: 140,
  mode: 'full',
  rounds: 1,
  engine: { name: 'auto', device: 'cpu', threads: 2 },
  tasksPerIteration: 16,
  groupSize: 8,
  editsPerPlan: 1,
  temperature: 1,
  constrained: false,
  stop: { mostTokens: SLOTS.plan, after: [] },
  judge: 'benign',
  keepJudgements: false,
  grouping: { method: 'ucpg', advantage: 'sum', lead: 'none', weights: [1, 1, 1], deviationFloor: 0.05 },
  credit: 'stage',
  editing: { steps: 4, eta: 0.7, window: 1 },
  understanding: {
    train: true,
    learningRate: 2e-4,
    decay: 0.5,
    beta: 0.02,
    innerUpdates: 1,
    maxGradientNorm: 1,
    aggregation: 'bnpo',
    epsilonLow: 0.2,
    epsilonHigh: 0.2,
  },
  generation: {
    train: true,
    learningRate: 1e-5,
    decay: 0.5,
    beta: 1,
    innerUpdates: 1,
    maxGradientNorm: 1,
    clip: 1e-3,
  },
  evaluation: { tasks: 400, temperature: 1 },
  checkpointEvery: 20,
  keepCheckpoints: 2,
  recordEvery: 20,
  recordShare: 0.5,
};

/** Settings to be laid over the defaults, at any depth. */
export type MicroOverrides = {
  readonly [K in keyof MicroConfig]?: MicroConfig[K] extends readonly unknown[] | string | number | boolean
    ? MicroConfig[K]
    : Partial<MicroConfig[K]>;
};

/**
 * Lays `overrides` over the defaults and checks the result.
 *
 * @throws ConfigError that names the first wrong field, its value and the fix; an unknown field names the nearest one.
 * @example
 * parseMicroConfig({ mode: 'plan', understanding: { learningRate: 1e-4 } });
 */
export function parseMicroConfig(overrides: unknown): MicroConfig {
  const parsed = microSchema.safeParse(overlay(defaultMicroConfig, overrides));
  if (!parsed.success) throw problemOf(parsed.error.issues[0]!, overrides);
  return checkTogether(parsed.data);
}

function checkTogether(config: MicroConfig): MicroConfig {
  checkConstraint(config);
  const { window, steps } = config.editing;
  if (window > steps - 1) {
    const fix = `use at most ${steps - 1} with editing.steps ${steps}: the last step is never stochastic`;
    throw new ConfigError({ field: 'editing.window', value: window, fix });
  }
  const { editsPerPlan, groupSize, mode } = config;
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
  if (config.iterations > 0 && !config.understanding.train && !config.generation.train) {
    throw new ConfigError({
      field: 'understanding.train',
      value: false,
      fix: 'train at least one of understanding and generation, or set iterations to 0',
    });
  }
  return config;
}

/** A plan of one operation and its end takes 6 tokens; a text cut elsewhere than after `.` or `ok` does not parse. */
function checkConstraint({ constrained, stop, mode }: MicroConfig): void {
  if (!constrained || mode === 'direct') return;
  if (stop.mostTokens < 6) {
    const fix = 'use at least 6 with constrained true: no plan is shorter';
    throw new ConfigError({ field: 'stop.mostTokens', value: stop.mostTokens, fix });
  }
  const at = stop.after.findIndex((word) => word !== '.' && word !== 'ok');
  if (at >= 0) {
    const fix = 'use "." or "ok" with constrained true: other words cut a text before it parses';
    throw new ConfigError({ field: `stop.after.${at}`, value: stop.after[at], fix });
  }
}

function overlay(base: unknown, over: unknown): unknown {
  if (!isRecord(base) || !isRecord(over)) return over === undefined ? base : over;
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) merged[name] = overlay(base[name], value);
  return merged;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function problemOf(issue: z.core.$ZodIssue, config: unknown): ConfigError {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const name = issue.keys[0]!;
    const known = at(defaultMicroConfig, path);
    const nearest = closest(name, Object.keys(isRecord(known) ? known : {}));
    const field = [...path, name].join('.');
    return new ConfigError({
      field,
      value: at(config, [...path, name]),
      fix: `no such setting; did you mean ${nearest}?`,
    });
  }
  const field = path.join('.') || 'config';
  return new ConfigError({ field, value: at(config, path), fix: issue.message });
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) => (isRecord(inner) || Array.isArray(inner) ? (inner as never)[name] : undefined),
    value,
  );
}
