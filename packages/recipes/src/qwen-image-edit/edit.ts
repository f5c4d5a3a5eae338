import { join } from 'node:path';
import { writeImage } from '@thinkrl/backbones/qwen2-5-vl';
import { createChainSampler, fromReference } from '@thinkrl/cot-sampler';
import { makeFolder, writeWhole } from '@thinkrl/orchestrator';
import { type Chain, type EditTask, type Image, type JudgedChain, Key, stageEdits } from '@thinkrl/spec';
import type { RunControls } from '../event.ts';
import { roundsOf } from '../rounds.ts';
import { startEngine } from '../start-engine.ts';
import { loadAdapters } from './adapters.ts';
import type { QwenEditConfig } from './config.ts';
import { buildModules, loadFolder } from './models.ts';
import { questionReward } from './reward.ts';
import { type Judging, judgingOf, servedPlanner } from './servers.ts';
import { readReference } from './tasks.ts';
import type { QwenEditReplacements } from './train.ts';

/** What to edit and where to write it. */
export interface EditPictureOptions extends RunControls, QwenEditReplacements {
  /** Picture files. */
  readonly images: readonly string[];
  readonly instruction: string;
  /** A run's `adapters`, or an adapter of the transformer alone. */
  readonly adapter?: string | undefined;
  /** The folder to write into; made if it is not there. */
  readonly out: string;
}

/** An edit with everything that was thought about it, as written to `thoughts.json`. */
export interface EditedPicture {
  readonly instruction: string;
  readonly plan: { readonly text: string; readonly steps: readonly string[] } | null;
  readonly reflections: readonly { readonly verdict: 'ok' | 'fix'; readonly text: string }[];
  /** Questions with an answer per picture; null without a judge. */
  readonly checklist:
    | readonly {
        readonly question: string;
        readonly expected: 'yes' | 'no';
        readonly replies: readonly (string | null)[];
      }[]
    | null;
  /** Rewards by picture; null without a judge. */
  readonly rewards: readonly (readonly number[])[] | null;
  /** Picture files: references as the models saw them, then each edit; the last one is `edit.png` again. */
  readonly pictures: readonly string[];
  readonly edit: string;
}

/**
 * Plans, edits, reflects and edits again on pictures, greedily and without SDE noise, and writes `edit.png`, every picture
 * before it, and `thoughts.json` with plan, reflections and, where there is a judge, the answered checklist.
 *
 * @throws TaskFileError for a picture that cannot be read, RunFolderError when nothing can be written there, and whatever
 * engine, loaders and servers throw.
 * @example
 * await editPicture(config, { images: ['in.png'], instruction: 'What if it rained?', out: 'edited' });
 */
export async function editPicture(
  config: QwenEditConfig,
  options: EditPictureOptions,
): Promise<EditedPicture> {
  const { adapter = null, judge: given, signal, onEvent: tell = () => {} } = options;
  const references = await Promise.all(
    options.images.map((path) => readReference(path, config.editing.side)),
  );
  const judging = given || config.judge.baseURL !== '' ? await judgingOf(config, { given, signal }) : null;
  makeFolder(options.out);
  await startEngine(config, tell);
  const models = loadFolder(config);
  const adapters = await loadAdapters(adapter, models);
  const modules = buildModules(models, frozen(config), { adapters, form: options.form });
  const served = config.planner.kind === 'served' && config.mode !== 'direct';
  const planner = options.planner ?? (served ? await servedPlanner(config, signal) : modules.policy);
  const sampler = createChainSampler<EditTask>({
    policy: config.mode === 'direct' ? null : planner,
    editor: modules.editor,
    composer: fromReference,
    rounds: roundsOf(config),
  });
  const { instruction } = options;
  const task: EditTask = { id: 'edit', references, instruction, category: 'edit' };
  const key = Key.of(config.seed).fold('edit');
  const sampling = { temperature: 0, mostTokens: config.planner.mostTokens };
  const request = { tasks: [task], groupSize: 1, sampling, stochastic: [], key };
  const [chain] = await modules.remembered.during(() => sampler.sample(request));
  const judged = judging === null ? null : await judge(chain!, judging, key);
  return write(options.out, chain!, judged);
}

/** The settings without training: no new adapters, and no second copy of the planner. */
function frozen(config: QwenEditConfig): QwenEditConfig {
  return {
    ...config,
    understanding: { ...config.understanding, train: false },
    generation: { ...config.generation, train: false },
  };
}

/** Judges by the instruction's checklist; null where nobody can write one. */
async function judge(
  chain: Chain<EditTask>,
  { judge, write }: Judging,
  key: Key,
): Promise<JudgedChain<EditTask> | null> {
  if (write === null) return null;
  const checklist = await write(chain.task);
  const [judged] = await questionReward(judge).judge([{ ...chain, task: { ...chain.task, checklist } }], key);
  return judged!;
}

async function write(
  folder: string,
  chain: Chain<EditTask>,
  judged: JudgedChain<EditTask> | null,
): Promise<EditedPicture> {
  const edits = [...new Set(stageEdits(chain))].map(({ image }) => image);
  const named: readonly (readonly [string, Image])[] = [
    ...chain.task.references.map((image, i) => [`reference-${i + 1}.png`, image] as const),
    ...edits.map((image, i) => [`edit-${i + 1}.png`, image] as const),
    ['edit.png', edits.at(-1)!],
  ];
  for (const [name, image] of named) await writeImage(join(folder, name), image);
  const edited: EditedPicture = {
    instruction: chain.task.instruction,
    plan: chain.plan && { text: chain.plan.text, steps: chain.plan.steps },
    reflections: chain.rounds.map(({ reflection: { verdict, text } }) => ({ verdict, text })),
    checklist: judged && answeredChecklist(judged),
    rewards: judged === null ? null : judged.stages.map(({ rewards }) => rewards),
    pictures: named.slice(0, -1).map(([name]) => join(folder, name)),
    edit: join(folder, 'edit.png'),
  };
  writeWhole(join(folder, 'thoughts.json'), `${JSON.stringify(edited, null, 2)}\n`);
  return edited;
}

function answeredChecklist({ chain, stages }: JudgedChain<EditTask>): EditedPicture['checklist'] {
  return (chain.task.checklist?.questions ?? []).map(({ id, text, expected }) => ({
    question: text,
    expected,
    replies: stages.map(({ answers }) => answers.find(({ questionId }) => questionId === id)?.reply ?? null),
  }));
}
