import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchmarkEditor } from './editor.ts';
import { EditFailedError } from './error.ts';
import { type Endings, findPicture, pictureFileProblem, pictureProblem, sniff } from './picture.ts';
import type { BenchmarkSample, SampleProblem } from './sample.ts';
import { writeWhole } from './write-whole.ts';

/** Settings of {@link editSamples}. */
export interface EditSamplesOptions {
  /** A model's folder. */
  readonly folder: string;
  readonly endings: Endings;
  /** Left out, nothing is edited: the folder is only looked through. */
  readonly editor?: BenchmarkEditor | undefined;
  readonly onEdit?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The edited pictures of a benchmark. */
export interface EditedSamples {
  /** Paths by the key of their sample. */
  readonly pictures: ReadonlyMap<string, string>;
  /** Samples without a usable picture, and why. */
  readonly problems: readonly SampleProblem[];
}

/**
 * Edits every sample whose picture is missing or damaged in a model's folder, one after the other; each picture is
 * written whole or not at all, so that a run that was stopped goes on where it was.
 *
 * @throws Whatever the editor throws beside `EditFailedError`; the signal's reason when cancelled.
 */
export async function editSamples(
  samples: readonly BenchmarkSample[],
  options: EditSamplesOptions,
): Promise<EditedSamples> {
  const { folder, endings, editor, onEdit, signal } = options;
  const pictures = new Map<string, string>();
  const problems: SampleProblem[] = [];
  for (const [index, sample] of samples.entries()) {
    signal?.throwIfAborted();
    const stem = join(folder, sample.outputStem);
    const found = await findPicture(stem, endings);
    const problem = found === null ? 'has no edited picture' : await pictureFileProblem(found);
    const outcome =
      problem === null || editor === undefined
        ? { path: found, problem }
        : await editOne(sample, { editor, stem, damaged: found, signal });
    if (outcome.problem === null) pictures.set(sample.key, outcome.path!);
    else problems.push({ key: sample.key, problem: outcome.problem });
    onEdit?.(index + 1, samples.length);
  }
  return { pictures, problems };
}

interface Editing {
  readonly editor: BenchmarkEditor;
  readonly stem: string;
  /** A picture file that is to be replaced. */
  readonly damaged: string | null;
  readonly signal: AbortSignal | undefined;
}

interface Outcome {
  readonly path: string | null;
  readonly problem: string | null;
}

const endingOf: Readonly<Record<string, string>> = { 'image/png': 'png', 'image/jpeg': 'jpg' };

async function editOne(
  sample: BenchmarkSample,
  { editor, stem, damaged, signal }: Editing,
): Promise<Outcome> {
  const edited = await editor.edit(sample, signal === undefined ? {} : { signal }).catch((error: unknown) => {
    if (error instanceof EditFailedError) return error;
    throw error;
  });
  const fail = (problem: string) => ({ path: null, problem });
  if (edited instanceof EditFailedError) return fail(`was not edited: ${edited.message}`);
  const ending = endingOf[sniff(edited) ?? ''];
  if (ending === undefined) return fail('the edited picture is neither PNG nor JPEG');
  const problem = await pictureProblem(edited);
  if (problem !== null) return fail(`the edited picture ${problem}`);
  const path = `${stem}.${ending}`;
  await writeWhole(path, edited);
  if (damaged !== null && damaged !== path) await rm(damaged);
  return { path, problem: null };
}
