import { contactSheet, encodePng, type MicroTask, renderScene, type Split } from '@thinkrl/microworld';
import { evaluate } from '@thinkrl/orchestrator';
import { type Image, type JudgedChain, Key, stageEdits } from '@thinkrl/spec';
import { collectingOf, samplingOf } from './assemble-micro.ts';
import type { MicroConfig } from './config.ts';
import { evaluationTasks } from './evaluate-micro.ts';
import type { RunControls } from './event.ts';
import { loadModels, type ModelSource } from './micro-models.ts';
import { startEngine } from './start-engine.ts';

/** Which micro scenes to edit. */
export interface EditOptions extends RunControls, ModelSource {
  readonly split: Split;
  /** The first so many tasks of the split's evaluation stream, from `from`. */
  readonly count: number;
  readonly from: number;
}

/** One edited scene with everything that was thought about it. */
export interface EditedScene {
  readonly task: MicroTask;
  readonly judged: JudgedChain<MicroTask>;
  /** Reference, first edit, final edit, truth. */
  readonly pictures: readonly Image[];
}

/** Edited scenes and one PNG with all of them. */
export interface EditResult {
  readonly scenes: readonly EditedScene[];
  readonly sheet: Uint8Array;
}

/** Plans, edits, reflects and edits again on micro scenes, judged by the exact judge. */
export async function editMicro(config: MicroConfig, options: EditOptions): Promise<EditResult> {
  await startEngine(config, options.onEvent ?? (() => {}));
  const models = await loadModels(options);
  const tasks = evaluationTasks(options.split, options.from + options.count).slice(options.from);
  const collecting = {
    ...collectingOf(models, config),
    sampling: samplingOf(config, config.evaluation.temperature),
  };
  const { judged } = await evaluate(collecting, { tasks, key: Key.of(config.seed).fold('edit') });
  const scenes = judged.map((member) => ({
    task: member.chain.task,
    judged: member,
    pictures: picturesOf(member),
  }));
  return { scenes, sheet: encodePng(contactSheet(scenes.map(sheetRow))) };
}

function picturesOf({ chain }: JudgedChain<MicroTask>): readonly Image[] {
  const edits = stageEdits(chain);
  const truth = renderScene({ ...chain.task.scene, cells: chain.task.truth });
  return [chain.task.references[0]!, edits[0]!.image, edits.at(-1)!.image, truth];
}

function sheetRow({ task, judged, pictures }: EditedScene) {
  const { plan, rounds } = judged.chain;
  const agreed = judged.stages.at(-1)!.answers.filter((answer) => answer.agrees).length;
  return {
    images: pictures,
    text: [
      task.instruction,
      ...(plan ? [`plan: ${plan.text}`] : []),
      ...rounds.map(({ reflection }) => `reflection: ${reflection.text}`),
      `checklist: ${agreed} of ${judged.stages.at(-1)!.answers.length}`,
    ].join('\n'),
  };
}
