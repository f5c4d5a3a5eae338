import { firstHalf } from '@thinkrl/edit-generator';
import { ConfigError } from '@thinkrl/spec';
import { z } from 'zod';
import { parseSettings } from '../parse-settings.ts';
import {
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
} from '../settings.ts';

const text = z.string('use text');
const adapterSettings = {
  /** Rank of the low-rank updates. */
  rank: whole(1),
  /** Their factor is `alpha / rank`. */
  alpha: positive,
};

const serverSettings = {
  /** Such as `http://localhost:8000/v1`; empty where there is no server. */
  baseURL: text,
  /** The model's name as the server knows it. */
  name: text,
  /** Environment variable that holds the key; empty where none is needed. */
  keyVariable: text,
  /** Requests on their way at once, over all ranks of the run. */
  concurrency: whole(1),
};

const qwenEditSchema = z.strictObject({
  recipe: z.literal('qwen-image-edit', 'use "qwen-image-edit"'),
  /** Folder of Qwen-Image-Edit, Edit-2509 or Edit-2511 as the hub has it. */
  model: text,
  /** What both models' weights are stored and computed in; `files` keeps what the files have. */
  storage: oneOf(['files', 'float32', 'bfloat16']),
  /** Decides the order of the tasks and every draw of the run. */
  seed: whole(0),
  iterations: whole(0),
  /** `direct` edits from the bare instruction, `plan` thinks first, `full` also reflects and edits again. */
  mode: oneOf(['full', 'plan', 'direct']),
  /** Rounds of reflect-and-edit in `full` mode. */
  rounds: whole(0),
  engine: engineSettings,
  tasks: z.strictObject({
    /** A JSONL file, a task a line, or a folder with a JSON file for each task. */
    path: text,
    /** Folder for the checklists that the judge writes where tasks bring none. */
    checklists: text,
    /** Questions of each polarity in a checklist that the judge writes. */
    questionPairs: whole(1),
  }),
  tasksPerIteration: whole(1),
  /** Chains per task, G of the paper. */
  groupSize: whole(2),
  /** Chains of a group that share a plan; above 1, plans and edits are credited apart. */
  editsPerPlan: whole(1),
  temperature: positive,
  planner: z.strictObject({
    /** `local` is the model's own Qwen2.5-VL; a `served` one is not trained. */
    kind: oneOf(['local', 'served']),
    /** Most tokens of a plan or reflection. */
    mostTokens: whole(1),
    /** Chains of one task that are scored side by side in the update; fewer take less memory. */
    chainsPerRow: whole(1),
    ...serverSettings,
  }),
  /** The vision and language model that answers the checklists, behind a server. */
  judge: z.strictObject(serverSettings),
  grouping: groupingSettings,
  /** `shared` gives all stages the final picture's advantage, `stage` credits each stage with what it changed. */
  credit: oneOf(['stage', 'shared']),
  editing: z.strictObject({
    /** Side of a square with as many pixels as a result and each reference have. */
    side: whole(32),
    /** The same for the copies that the text encoder of Edit-Plus sees. */
    seenSide: whole(28),
    /** Denoising steps per edit. */
    steps: whole(2),
    /** Scale of true classifier-free guidance, in sampling and training; 1 is none. */
    guidance: z.number('use a number of at least 1').min(1, 'use at least 1'),
    /** What guidance leads away from. */
    negativeText: text,
    /** Noise level of the SDE steps. */
    eta: positive,
    /** Steps drawn by the SDE, and trained on: one run of them, begun anew each iteration. */
    window: whole(1),
    /** Where the window may lie. */
    within: oneOf(['firstHalf', 'allButLast']),
  }),
  understanding: z.strictObject({
    ...understandingSettings,
    /**
     * `lora` adapts the language model. `full` trains all of a second copy in float32: the editor's text encoder must stay
     * what it was.
     */
    method: oneOf(['lora', 'full']),
    ...adapterSettings,
    /** Chains of one task in one backward pass. */
    chainsAtOnce: whole(1),
  }),
  generation: z.strictObject({
    ...generationSettings,
    ...adapterSettings,
    /** Edits in one backward pass of one denoising step. */
    editsAtOnce: whole(1),
  }),
  /** What of the models' weights is shared out where a run has several ranks; each keeps all of the rest. */
  sharding: z.strictObject({
    /** The editor's transformer with its adapter. */
    generation: yesNo,
    /** Text encoder and local planner in one. Every token of a plan then gathers them anew. */
    understanding: yesNo,
    /** Ranks that share a copy out, such as those of a node; a divisor of all. 0 is all. */
    ranks: whole(0),
  }),
  ...keptSettings,
  /**
   * Iterations between checkpoints: 7 GB with both adapters at rank 64. With 1, a run that is stopped within an update ends at
   * once; with more it often has to end the update first, which may take minutes. A planner trained whole takes 100 GB.
   */
  checkpointEvery: keptSettings.checkpointEvery,
});

/** Settings of a run on Qwen-Image-Edit; see {@link defaultQwenEditConfig} for what they are without a choice. */
export type QwenEditConfig = z.infer<typeof qwenEditSchema>;

const noServer = { baseURL: '', name: '', keyVariable: '', concurrency: 8 };
const moduleDefaults = { train: true, decay: 0, beta: 0, innerUpdates: 1, maxGradientNorm: 1 };

/**
 * Flow-GRPO's settings for Qwen-Image-Edit: 512 px, 10 steps, guidance 4, LoRA of rank 64 on twelve kinds of layers. `model`,
 * `tasks.path` and `judge` are the user's to set.
 */
export const defaultQwenEditConfig: QwenEditConfig = {
  recipe: 'qwen-image-edit',
  model: '',
  storage: 'files',
  seed: 1,
  iterations: 300,
  mode: 'full',
  rounds: 1,
  engine: { name: 'torch', device: 'cuda:0', threads: 8 },
  tasks: { path: '', checklists: 'checklists', questionPairs: 4 },
  tasksPerIteration: 4,
  groupSize: 8,
  editsPerPlan: 1,
  temperature: 1,
  planner: { kind: 'local', mostTokens: 512, chainsPerRow: 4, ...noServer },
  judge: noServer,
  grouping: { method: 'ucpg', advantage: 'sum', lead: 'none', weights: [1, 1, 1], deviationFloor: 0.05 },
  credit: 'stage',
  editing: {
    side: 512,
    seenSide: 384,
    steps: 10,
    guidance: 4,
    negativeText: ' ',
    eta: 0.9,
    window: 2,
    within: 'firstHalf',
  },
  understanding: {
    ...moduleDefaults,
    learningRate: 1e-5,
    aggregation: 'dapo',
    epsilonLow: 0.2,
    epsilonHigh: 0.2,
    method: 'lora',
    rank: 64,
    alpha: 128,
    chainsAtOnce: 4,
  },
  generation: { ...moduleDefaults, learningRate: 3e-4, clip: 1e-4, rank: 64, alpha: 128, editsAtOnce: 1 },
  sharding: { generation: true, understanding: false, ranks: 0 },
  checkpointEvery: 1,
  keepCheckpoints: 2,
  recordEvery: 10,
  recordShare: 0.5,
};

/**
 * Lays `overrides` over the defaults and checks the result.
 *
 * @throws ConfigError that names the first wrong field, its value and the fix; an unknown field names the nearest one.
 * @example
 * parseQwenEditConfig({ model: 'Qwen-Image-Edit-2509', tasks: { path: 'tasks.jsonl' }, judge: { baseURL, name } });
 */
export function parseQwenEditConfig(overrides: unknown): QwenEditConfig {
  const config = parseSettings(qwenEditSchema, defaultQwenEditConfig, overrides);
  const { steps, within } = config.editing;
  checkWindow(config.editing, within === 'firstHalf' ? firstHalf(steps).length : steps - 1);
  checkPlansShared(config);
  checkPlanner(config);
  checkSharding(config);
  checkTrainsSomething(config);
  return config;
}

/** Throws ConfigError where a planner of its own would be shared out. */
function checkSharding({ sharding, understanding }: QwenEditConfig): void {
  if (sharding.understanding && understanding.train && understanding.method === 'full')
    throw new ConfigError({
      field: 'sharding.understanding',
      value: true,
      fix: 'use false with understanding.method full, or train an adapter with lora',
    });
}

/** Throws ConfigError for a planner that cannot be what it is told to be. */
function checkPlanner({ planner, understanding, mode, iterations }: QwenEditConfig): void {
  const served = planner.kind === 'served';
  if (served && mode !== 'direct' && (planner.baseURL === '' || planner.name === ''))
    throw new ConfigError({
      field: planner.baseURL === '' ? 'planner.baseURL' : 'planner.name',
      value: '',
      fix: 'name the server and its model, or use planner.kind local',
    });
  if ((served || mode === 'direct') && understanding.train && iterations > 0)
    throw new ConfigError({
      field: 'understanding.train',
      value: true,
      fix: `use false with ${served ? 'planner.kind served' : 'mode direct'}: there is no planner to train`,
    });
}
