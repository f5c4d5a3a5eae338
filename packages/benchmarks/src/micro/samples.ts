import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePng, type MicroTask } from '@thinkrl/microworld';
import { editSamples } from '../edit-samples.ts';
import type { BenchmarkEditor } from '../editor.ts';
import { decodeImage } from '../picture.ts';
import type { BenchmarkSample, SampleProblem } from '../sample.ts';
import { writeWhole } from '../write-whole.ts';
import type { MicroEdit } from './report.ts';

/** Settings of {@link editMicroTasks}. */
export interface EditMicroOptions {
  /** Folder of the run; holds `references` and `pictures`. */
  readonly out: string;
  readonly editor: BenchmarkEditor;
  readonly onEdit?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Edited tasks of the micro-world, and those that could not be edited. */
export interface EditedMicroTasks {
  readonly edits: readonly MicroEdit[];
  readonly problems: readonly SampleProblem[];
}

/**
 * Edits tasks of the micro-world with any editor: their references become PNG files, and what is missing is edited, as
 * in the other benchmarks.
 *
 * @throws Whatever the editor throws beside `EditFailedError`.
 */
export async function editMicroTasks(
  tasks: readonly MicroTask[],
  { out, ...options }: EditMicroOptions,
): Promise<EditedMicroTasks> {
  const samples = await Promise.all(tasks.map((task) => sampleOf(task, join(out, 'references'))));
  const folder = join(out, 'pictures');
  const { pictures, problems } = await editSamples(samples, { ...options, folder, endings: ['png', 'jpg'] });
  const edits = tasks.map(async (task) => {
    const path = pictures.get(task.id);
    return path === undefined ? [] : [{ task, image: await decodeImage(await readFile(path)) }];
  });
  return { edits: (await Promise.all(edits)).flat(), problems };
}

async function sampleOf(task: MicroTask, folder: string): Promise<BenchmarkSample> {
  const { id, category, instruction } = task;
  const input = join(folder, `${id}.png`);
  if (!existsSync(input)) await writeWhole(input, encodePng(task.references[0]!));
  return { key: id, id, category, instruction, inputs: [input], reference: {}, outputStem: id, record: {} };
}
