import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checklist } from '@thinkrl/spec';
import { z } from 'zod';
import { ChecklistRewardError } from '../error.ts';

/** A checklist file that holds something else than a checklist. */
export class ChecklistFileError extends ChecklistRewardError {
  readonly code = 'CHECKLIST_FILE';
  readonly path: string;

  constructor(problem: { readonly path: string; readonly problem: string }, options?: ErrorOptions) {
    super(`${problem.path}: ${problem.problem}`, options);
    this.path = problem.path;
  }
}

/** Where a checklist is kept. */
export interface ChecklistPlace {
  readonly folder: string;
  readonly hash: string;
}

const fileForm = z.object({
  source: z.string(),
  questions: z
    .array(z.object({ id: z.string().min(1), text: z.string().min(1), expected: z.enum(['yes', 'no']) }))
    .min(1)
    .refine((questions) => new Set(questions.map(({ id }) => id)).size === questions.length, {
      message: 'every question needs an id of its own',
    }),
});

const pathOf = ({ folder, hash }: ChecklistPlace) => join(folder, `${hash}.json`);

/**
 * The checklist of a place, or null where none is.
 *
 * @throws ChecklistFileError for a file of another form.
 */
export async function readChecklist(place: ChecklistPlace): Promise<Checklist | null> {
  const path = pathOf(place);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  const result = fileForm.safeParse(parse(path, text));
  if (!result.success) throw new ChecklistFileError({ path, problem: z.prettifyError(result.error) });
  return result.data;
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ChecklistFileError({ path, problem: 'is no JSON' }, { cause });
  }
}

/** Keeps a checklist with the instruction it is for, so that who edits it knows; written aside, then renamed. */
export async function writeChecklist(
  place: ChecklistPlace,
  instruction: string,
  checklist: Checklist,
): Promise<void> {
  const path = pathOf(place);
  await mkdir(place.folder, { recursive: true });
  const aside = `${path}.${process.pid}.tmp`;
  await writeFile(aside, `${JSON.stringify({ instruction, ...checklist }, null, 2)}\n`);
  await rename(aside, path);
}
