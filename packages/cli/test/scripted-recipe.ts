import { setTimeout as sleep } from 'node:timers/promises';
import {
  defaultMicroConfig,
  evaluationTasks,
  type MicroConfig,
  parseMicroConfig,
  type RunListener,
  type TrainResult,
} from '@thinkrl/recipes';
import type { ModuleReport, StepReport } from '@thinkrl/spec';
import type { Recipe } from '../src/index.ts';

const moduleReport: ModuleReport = {
  loss: 0,
  kl: 0.0125,
  clipFraction: 0,
  gradientNorm: 1,
  rolloutGap: 0,
  firstRatioGap: 0,
  samples: 48,
};

/** 64 chains in 2 seconds, mean reward (0.6 + 0.9 + 0.9) / 3 = 0.8, three quarters kept. */
function stepReport(iteration: number): StepReport {
  return {
    iteration,
    rewards: { instruction: 0.6, consistency: 0.9, quality: 0.9 },
    oracle: { strict: 0.5 },
    keptShare: 0.75,
    chains: 64,
    dropped: {},
    fixShare: 0.25,
    understanding: moduleReport,
    generation: null,
    seconds: { sample: 1, judge: 0, update: 1 },
  };
}

/** What a scripted run was asked to do. */
export interface Asked {
  readonly config: MicroConfig | null;
  readonly folder: string;
}

interface RunOptions {
  readonly signal?: AbortSignal;
  readonly onEvent?: RunListener;
  /** Whether there are scores in the end. */
  readonly evaluated?: boolean;
}

/** A recipe whose training only counts iterations, `pause` milliseconds each: for tests of the terminal alone. */
export function scriptedRecipe(pause: number, asked: Asked[] = []): Recipe {
  const unused = () => Promise.reject(new Error('not part of the script'));
  const run = async (
    folder: string,
    iterations: number,
    { signal, onEvent, evaluated = true }: RunOptions,
  ): Promise<TrainResult> => {
    onEvent?.({ type: 'folder', path: folder, resumedFrom: 0 });
    for (let iteration = 1; iteration <= iterations; iteration++) {
      if (signal?.aborted) return { folder, summary: null, report: null };
      await sleep(pause);
      onEvent?.({ type: 'step', iterations, report: stepReport(iteration) });
    }
    const ended = evaluated ? summary : { ...summary, before: {}, after: {} };
    return { folder, summary: ended, report: `${folder}/report/index.html` };
  };
  return {
    defaultMicroConfig,
    parseMicroConfig,
    trainMicro: (config, options) => {
      asked.push({ config, folder: options.out });
      const evaluated = config.evaluation.tasks > 0;
      return run(options.out, config.iterations, { ...options, evaluated });
    },
    resumeMicro: (folder, controls) => {
      asked.push({ config: null, folder });
      return run(folder, 3, controls ?? {});
    },
    evaluateMicro: unused,
    evaluationTasks,
    editMicro: unused,
    diagnoseMicro: unused,
    pretrainMicro: unused,
    pretrainPerceptionNet: unused,
  };
}

const scores = {
  if: 74,
  strict: 42.3,
  consistency: 96.9,
  quality: 97.1,
  idle: 1,
  firstStrict: 40,
  fixShare: 30,
};

const summary: NonNullable<TrainResult['summary']> = {
  recipe: 'micro',
  seed: 1,
  mode: 'full',
  judge: 'benign',
  grouping: 'ucpg',
  iterations: 3,
  seconds: { train: 6, eval: 1 },
  before: { id: scores, ood: scores },
  after: { id: { ...scores, strict: 57 }, ood: scores },
  perCategory: {},
  engine: 'torch 1.13.1',
  chainsPerSecond: 32,
  keptShare: 0.75,
  idleShare: 0.01,
  guard: {
    yesShare: { expectYes: 0.8, expectNo: 0.2 },
    answers: 100,
    addressed: 0,
    agreement: [],
    repeats: null,
    suspicions: [],
  },
};
