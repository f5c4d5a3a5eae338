import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { pathInside, readJsonFile } from '../data-file.ts';
import { BenchmarkFileError } from '../error.ts';
import type { BenchmarkSample, LoadedSamples, SampleProblem } from '../sample.ts';
import { RISE_CATEGORIES } from './taxonomy.ts';

/** A record of RISEBench. Flags count as set when they are there and not null, whatever their value. */
export interface RiseRecord extends Readonly<Record<string, unknown>> {
  readonly index: string;
  readonly category: string;
  readonly instruction: string;
  readonly image: string;
  readonly reference?: string | null;
  readonly reference_txt?: string | null;
  readonly reference_img?: string | null;
  readonly subtask?: string | null;
  readonly judge?: Readonly<Record<string, string>> | null;
}

const recordForm = z.looseObject({
  index: z.string().regex(/^[\w-]+$/, 'must be able to name a file'),
  category: z.enum(RISE_CATEGORIES.map(({ name }) => name)),
  instruction: z.string().min(1),
  image: z.string().min(1),
  reference: z.string().nullish(),
  reference_txt: z.string().nullish(),
  reference_img: z.string().nullish(),
  subtask: z.string().nullish(),
  judge: z.record(z.string(), z.string()).nullish(),
});

const annotations = ['datav2_total_w_subtask.json', 'data_total.json'];

/**
 * Loads RISEBench: the annotation, an array of records, and the paths of the pictures beside it. Records that are broken
 * are reported; picture files are not looked at.
 *
 * @param folder The folder that the pictures' paths start from.
 * @param annotation The annotation; default: the set of 360 in the folder, else the set of 64.
 * @throws BenchmarkFileError when there is no annotation, or it is no JSON array.
 * @example
 * const { samples } = await loadRise('data');
 */
export async function loadRise(folder: string, annotation?: string): Promise<LoadedSamples> {
  const path = annotation ?? annotations.map((name) => join(folder, name)).find((name) => existsSync(name));
  if (path === undefined)
    throw new BenchmarkFileError({ path: folder, problem: `has no ${annotations.join(' and no ')}` });
  const value = await readJsonFile(path);
  if (!Array.isArray(value)) throw new BenchmarkFileError({ path, problem: 'holds no list of records' });
  const samples: BenchmarkSample[] = [];
  const problems: SampleProblem[] = [];
  for (const [index, record] of value.entries()) {
    const made = sampleOf(folder, record, index);
    if ('problem' in made) problems.push(made);
    else if (samples.some(({ key }) => key === made.key))
      problems.push({ key: made.key, problem: 'stands there twice' });
    else samples.push(made);
  }
  return { samples, problems };
}

/** The record of a sample that {@link loadRise} made. */
export function riseRecordOf({ record }: BenchmarkSample): RiseRecord {
  return record as RiseRecord;
}

/** Whether a flag of a record is set: there and not null. */
export function isSet(record: BenchmarkSample['record'], flag: string): boolean {
  return record[flag] !== undefined && record[flag] !== null;
}

function sampleOf(folder: string, value: unknown, index: number): BenchmarkSample | SampleProblem {
  const parsed = recordForm.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const key = String((value as { index?: unknown } | null)?.index ?? `record ${index + 1}`);
    return { key, problem: `${issue?.path.join('.') || 'the record'}: ${issue?.message}` };
  }
  const record = parsed.data as RiseRecord;
  const { index: id, category, instruction, reference, reference_txt, reference_img } = record;
  const problem = answerProblem(record);
  if (problem !== null) return { key: id, problem };
  const text = (category === 'logical_reasoning' ? reference_txt : reference) ?? undefined;
  const byPicture =
    category === 'spatial_reasoning' || (category === 'logical_reasoning' && text === undefined);
  const input = pathInside(folder, record.image);
  const image = byPicture && reference_img ? pathInside(folder, reference_img) : undefined;
  if (input === null || image === null)
    return { key: id, problem: 'names a file outside the folder of the benchmark' };
  return {
    key: id,
    id,
    category,
    instruction,
    inputs: [input],
    reference: { ...(text !== undefined && { text }), ...(image !== undefined && { image }) },
    outputStem: join('images', category, id),
    record,
  };
}

/** A judge must be told what is right, by text or picture; temporal and causal samples by text alone. */
function answerProblem(record: RiseRecord): string | null {
  const { category, reference, reference_txt, reference_img } = record;
  if (category === 'logical_reasoning')
    return (reference_txt ?? reference_img) ? null : 'reference_txt: or reference_img must be there';
  if (category === 'spatial_reasoning' && reference_img) return null;
  return typeof reference === 'string' ? null : 'reference: must be there';
}
