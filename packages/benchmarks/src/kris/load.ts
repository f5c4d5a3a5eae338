import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { pathInside, readJsonFile } from '../data-file.ts';
import { BenchmarkFileError } from '../error.ts';
import type { BenchmarkSample, LoadedSamples, SampleProblem } from '../sample.ts';
import { KRIS_CATEGORIES, type KrisCategory, krisCategory } from './taxonomy.ts';

const recordForm = z.looseObject({
  ori_img: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
  gt_img: z.string().nullish(),
  ins_en: z.string().min(1),
  explain_en: z.string().default(''),
});
const mergedForm = z.array(z.looseObject({ id: z.coerce.string(), type: z.string() }));

/**
 * Loads KRIS-Bench: a folder with one `annotation.json` per category, or with all of them in one `final_data.json`.
 * Records that are broken are reported; picture files are not looked at.
 *
 * @param folder The benchmark's folder, `KRIS_Bench`.
 * @throws BenchmarkFileError when no annotation is found, or one is no JSON object.
 * @example
 * const { samples, problems } = await loadKris('KRIS_Bench');
 */
export async function loadKris(folder: string): Promise<LoadedSamples> {
  const samples: BenchmarkSample[] = [];
  const problems: SampleProblem[] = [];
  const entries = await readEntries(folder);
  for (const entry of entries) {
    const made = sampleOf(folder, entry);
    if ('problem' in made) problems.push(made);
    else samples.push(made);
  }
  if (entries.length === 0)
    throw new BenchmarkFileError({
      path: folder,
      problem: 'has no <category>/annotation.json and no final_data.json of KRIS-Bench',
    });
  return { samples, problems };
}

interface Entry {
  readonly category: string;
  readonly id: string;
  readonly record: unknown;
}

async function readEntries(folder: string): Promise<readonly Entry[]> {
  const merged = join(folder, 'final_data.json');
  if (existsSync(merged)) return readMerged(merged);
  const files = KRIS_CATEGORIES.map(({ name }) => ({ name, path: join(folder, name, 'annotation.json') }));
  const found = files.filter(({ path }) => existsSync(path));
  const lists = await Promise.all(found.map(({ name, path }) => readCategory(name, path)));
  return lists.flat();
}

async function readCategory(category: string, path: string): Promise<readonly Entry[]> {
  const value = await readJsonFile(path);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BenchmarkFileError({ path, problem: 'holds no object of records by id' });
  return Object.entries(value).map(([id, record]) => ({ category, id, record }));
}

async function readMerged(path: string): Promise<readonly Entry[]> {
  const parsed = mergedForm.safeParse(await readJsonFile(path));
  if (!parsed.success) throw new BenchmarkFileError({ path, problem: z.prettifyError(parsed.error) });
  return parsed.data.map((record) => ({ category: record.type, id: record.id, record }));
}

function sampleOf(folder: string, { category, id, record }: Entry): BenchmarkSample | SampleProblem {
  const key = `${category}/${id}`;
  const known = krisCategory(category);
  if (known === undefined) return { key, problem: 'is of no category of KRIS-Bench' };
  if (!/^[\w-]+$/.test(id)) return { key, problem: 'has an id that cannot name a file' };
  const parsed = recordForm.safeParse(record);
  if (!parsed.success) return { key, problem: issueOf(parsed.error) };
  const { ori_img, gt_img, ins_en, explain_en } = parsed.data;
  const path = (name: string) => pathInside(folder, join(category, name));
  const inputs = [ori_img].flat().map(path);
  const truth = gt_img ? path(gt_img) : undefined;
  const problem = shapeProblem(known, ori_img, truth) ?? outsideProblem([...inputs, truth]);
  if (problem !== null) return { key, problem };
  return {
    key,
    id,
    category,
    instruction: ins_en,
    inputs: inputs.filter((input) => input !== null),
    reference: { text: explain_en, ...(known.script === 'viewpoint' && { image: truth! }) },
    outputStem: join(category, id),
    record: parsed.data,
  };
}

function issueOf({ issues: [issue] }: z.ZodError): string {
  return `${issue?.path.join('.') || 'the record'}: ${issue?.message}`;
}

function shapeProblem(
  { script }: KrisCategory,
  inputs: string | readonly string[],
  truth: string | null | undefined,
): string | null {
  const several = script === 'multi-element' || script === 'temporal';
  if (several !== Array.isArray(inputs))
    return several ? 'ori_img: must be a list here' : 'ori_img: must be one file here';
  return script === 'viewpoint' && truth === undefined ? 'gt_img: is missing' : null;
}

function outsideProblem(paths: readonly (string | null | undefined)[]): string | null {
  return paths.includes(null) ? 'names a file outside the folder of the benchmark' : null;
}
