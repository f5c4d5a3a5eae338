import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { imageOf, pixelsOf, readImage, resample } from '@thinkrl/backbones/qwen2-5-vl';
import { type Checklist, ConfigError, type EditTask, type Image, type Key } from '@thinkrl/spec';
import { z } from 'zod';
import { TaskFileError } from './error.ts';

const taskForm = z.strictObject({
  id: z.string().min(1).optional(),
  references: z.array(z.string().min(1)).min(1),
  instruction: z.string().min(1),
  category: z.string().default('edit'),
  checklist: z
    .array(z.strictObject({ text: z.string().min(1), expected: z.enum(['yes', 'no']) }))
    .min(1)
    .optional(),
});

/** A task as its file has it: pictures by absolute path. */
export interface TaskEntry {
  readonly id: string;
  readonly references: readonly string[];
  readonly instruction: string;
  readonly category: string;
  readonly checklist: Checklist | null;
}

/**
 * Reads the tasks of a JSONL file, one a line, or of a folder with a JSON file for each. Paths of pictures are relative to
 * the folder of the file; a task without an id is named by its line or file.
 *
 * @throws TaskFileError for a file that cannot be read or a task of another form; ConfigError when there are no tasks.
 * @example
 * // {"references": ["cup.png"], "instruction": "What if it fell?", "category": "physics",
 * //  "checklist": [{"text": "Is the cup broken?", "expected": "yes"}]}
 * const entries = readTasks('tasks.jsonl');
 */
export function readTasks(path: string): readonly TaskEntry[] {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const entries = isFolder ? tasksOfFolder(path) : tasksOfLines(path);
  if (entries.length === 0)
    throw new ConfigError({ field: 'tasks.path', value: path, fix: 'it holds no tasks; add some' });
  const ids = new Set<string>();
  for (const { id } of entries) {
    if (ids.has(id)) throw new TaskFileError(path, `two tasks have the id ${id}`);
    ids.add(id);
  }
  return entries;
}

function tasksOfFolder(folder: string): readonly TaskEntry[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => {
    const path = join(folder, name);
    return entryOf(readText(path), { path, id: basename(name, '.json') });
  });
}

function tasksOfLines(path: string): readonly TaskEntry[] {
  const lines = readText(path).split('\n');
  return lines.flatMap((line, i) =>
    line.trim() === '' ? [] : [entryOf(line, { path, line: i + 1, id: `${i + 1}` })],
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new TaskFileError(path, `cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
}

interface Place {
  readonly path: string;
  readonly line?: number;
  /** Unless the task has one. */
  readonly id: string;
}

function entryOf(text: string, { path, line, id }: Place): TaskEntry {
  const where = line === undefined ? path : `${path} line ${line}`;
  const parsed = taskForm.safeParse(parseJson(text, where));
  if (!parsed.success) {
    const { path: field, message } = parsed.error.issues[0]!;
    throw new TaskFileError(where, `${field.join('.') || 'the task'}: ${message}`);
  }
  const { references, checklist, ...task } = parsed.data;
  const folder = dirname(path);
  const questions = checklist?.map((question, i) => ({ id: `q${i + 1}`, ...question }));
  return {
    id,
    ...task,
    references: references.map((reference) => resolve(folder, reference)),
    checklist: questions === undefined ? null : { questions, source: basename(path) },
  } as TaskEntry;
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TaskFileError(where, 'is not JSON', { cause });
  }
}

/**
 * The task of an entry with its pictures, none of more than about `side` x `side` pixels: planner and judge see them as well
 * as the editor.
 *
 * @throws TaskFileError for a picture that cannot be read.
 */
export async function loadTask(entry: TaskEntry, side: number): Promise<EditTask> {
  const references = await Promise.all(entry.references.map((path) => readReference(path, side)));
  const { id, instruction, category, checklist } = entry;
  return { id, references, instruction, category, ...(checklist !== null && { checklist }) };
}

/** A picture file, shrunk to about `side` x `side` pixels if it has more. @throws TaskFileError when it cannot be read. */
export async function readReference(path: string, side: number): Promise<Image> {
  const image = await readImage(path).catch((cause: Error) => {
    throw new TaskFileError(path, `is no picture that can be read: ${cause.message}`, { cause });
  });
  const scale = side / Math.sqrt(image.width * image.height);
  if (scale >= 1) return image;
  const [width, height] = [image.width, image.height].map((length) =>
    Math.max(1, Math.round(length * scale)),
  );
  return imageOf(resample(pixelsOf(image), { width: width!, height: height!, filter: 'lanczos' }));
}

/**
 * The entries of an iteration, counted from 1: every pass over the tasks has an order of its own and serves whole iterations
 * only, so that no iteration has a task twice.
 *
 * @throws ConfigError when there are fewer tasks than an iteration takes.
 */
export function entriesOf(
  entries: readonly TaskEntry[],
  { iteration, count, key }: { readonly iteration: number; readonly count: number; readonly key: Key },
): readonly TaskEntry[] {
  const perPass = Math.floor(entries.length / count);
  if (perPass === 0)
    throw new ConfigError({
      field: 'tasksPerIteration',
      value: count,
      fix: `use at most ${entries.length}, the number of tasks`,
    });
  const pass = Math.floor((iteration - 1) / perPass);
  const order = key.fold(pass).stream().sample(entries, entries.length);
  const from = ((iteration - 1) % perPass) * count;
  return order.slice(from, from + count);
}
