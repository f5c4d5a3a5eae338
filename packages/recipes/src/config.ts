import { SLOTS, VOCABULARY } from '@thinkrl/microworld';
import { ConfigError } from '@thinkrl/spec';
import { z } from 'zod';
import { parseSettings } from './parse-settings.ts';
import {
  atLeastZero,
  checkPlansShared,
  checkTrainsSomething,
  checkWindow,
  engineSettings,
  generationSettings,
  groupingSettings,
  keptSettings,
  oneOf,
  positive,
  understandingSettings,
  whole,
  yesNo,
} from './settings.ts';

const vocabulary = VOCABULARY as readonly [string, ...string[]];

const microSchema = z.strictObject({
  /** Decides every task, draw and judgement of the run. */
  seed: whole(0),
  iterations: whole(0),
  /** `direct` edits from the bare instruction, `plan` thinks first, `full` also reflects and edits again. */
  mode: oneOf(['full', 'plan', 'direct']),
  /** Rounds of reflect-and-edit in `full` mode. */
  rounds: whole(1),
  engine: engineSettings,
  /** Tasks of all ranks together. */
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
  /**
   * How the judge sees pictures while training: it knows what is in them, or it learned to see (a network run by
   * onnxruntime-node, which must be installed). The learned one's disagreement with the exact one is reported.
   */
  eyes: oneOf(['exact', 'learned']),
  /** Whether the judge's replies are kept in the run folder, so that a resumed run asks nothing again. */
  keepJudgements: z.boolean(),
  grouping: groupingSettings,
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
  understanding: z.strictObject(understandingSettings),
  generation: z.strictObject(generationSettings),
  evaluation: z.strictObject({
    /** Fresh tasks per split, before and after training; 0 evaluates nothing. */
    tasks: whole(0),
    /** 0 is greedy. */
    temperature: atLeastZero,
  }),
  ...keptSettings,
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
  eyes: 'exact',
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
  return checkTogether(parseSettings(microSchema, defaultMicroConfig, overrides));
}

function checkTogether(config: MicroConfig): MicroConfig {
  checkConstraint(config);
  checkWindow(config.editing);
  checkPlansShared(config);
  checkTrainsSomething(config);
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
