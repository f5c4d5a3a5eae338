import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { z } from 'zod';
import { ReportError } from './error.ts';
import { type ChainsFile, chainsFileSchema } from './record.ts';
import { type RunSummary, summarySchema } from './summary.ts';

/** One line of `metrics.jsonl` as found: numbers may be missing or null. */
export type MetricsLine = Readonly<Record<string, unknown>> & { readonly iteration: number };

/** What a run folder holds. A part that is missing or damaged is null or empty, and `notes` says so. */
export interface Run {
  readonly name: string;
  readonly config: unknown;
  readonly metrics: readonly MetricsLine[];
  readonly summary: RunSummary | null;
  /** Newest first. */
  readonly chains: readonly ChainsFile[];
  /** Pictures as data URLs by their path relative to `chains/`. */
  readonly pictures: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

/** Reads a run folder as far as it can be read. @throws ReportError when there is no such folder. */
export async function readRun(directory: string): Promise<Run> {
  const found = await stat(directory).catch((cause: Error) => {
    throw new ReportError(directory, 'no such run folder', { cause });
  });
  if (!found.isDirectory()) throw new ReportError(directory, 'is not a folder');
  const notes: string[] = [];
  const metrics = parseMetrics(await readText(directory, 'metrics.jsonl', notes), notes);
  const config = parseJson(await readText(directory, 'config.json', notes), 'config.json', notes);
  const summary = parseJson(await readText(directory, 'summary.json', notes), 'summary.json', notes);
  const chains = await readChains(directory, notes);
  return {
    name: basename(resolve(directory)),
    config,
    metrics,
    summary: summary === null ? null : conform(summarySchema, summary, { name: 'summary.json', notes }),
    chains,
    pictures: await readPictures(join(directory, 'chains'), chains, notes),
    notes,
  };
}

async function readText(directory: string, name: string, notes: string[]): Promise<string | null> {
  try {
    return await readFile(join(directory, name), 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    notes.push(missing ? `${name} is not there` : `${name} cannot be read: ${(error as Error).message}`);
    return null;
  }
}

function parseJson(text: string | null, name: string, notes: string[]): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    notes.push(`${name} is damaged: ${(error as Error).message}`);
    return null;
  }
}

function parseMetrics(text: string | null, notes: string[]): readonly MetricsLine[] {
  const lines = (text ?? '').split('\n').filter((line) => line !== '');
  const read = lines.flatMap((line, i) => {
    const value = parseJson(line, `metrics.jsonl line ${i + 1}`, notes);
    return isMetricsLine(value) ? [value] : [];
  });
  if (text !== null && read.length === 0) notes.push('metrics.jsonl holds no iteration yet');
  return read;
}

function isMetricsLine(value: unknown): value is MetricsLine {
  return typeof value === 'object' && value !== null && Number.isFinite((value as MetricsLine).iteration);
}

interface Place {
  readonly name: string;
  readonly notes: string[];
}

function conform<T>(schema: z.ZodType<T>, value: unknown, { name, notes }: Place): T | null {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  notes.push(`${name} is not as expected at ${issue.path.join('.') || 'its top'}: ${issue.message}`);
  return null;
}

async function readChains(directory: string, notes: string[]): Promise<readonly ChainsFile[]> {
  const names = await readdir(join(directory, 'chains')).catch(() => []);
  const steps = names.filter((name) => /^step-\d+\.json$/.test(name));
  if (steps.length === 0) notes.push('chains/ holds no recorded chains');
  const files = await Promise.all(
    steps.map(async (step) => {
      const name = `chains/${step}`;
      const value = parseJson(await readText(directory, name, notes), name, notes);
      return value === null ? null : conform(chainsFileSchema, value, { name, notes });
    }),
  );
  return files.filter((file) => file !== null).sort((a, b) => b.iteration - a.iteration);
}

async function readPictures(
  folder: string,
  chains: readonly ChainsFile[],
  notes: string[],
): Promise<ReadonlyMap<string, string>> {
  const pictures = new Map<string, string>();
  for (const path of new Set(chains.flatMap(picturePaths))) {
    const bytes = path.split('/').includes('..')
      ? null
      : await readFile(join(folder, path)).catch(() => null);
    if (bytes === null) notes.push(`picture chains/${path} is not there`);
    else pictures.set(path, `data:image/png;base64,${bytes.toString('base64')}`);
  }
  return pictures;
}

function picturePaths(file: ChainsFile): readonly string[] {
  return file.groups.flatMap(({ task, chains }) => [
    task.pictures.reference,
    ...(task.pictures.truth === undefined ? [] : [task.pictures.truth]),
    ...chains.flatMap((chain) => chain.stages.map((stage) => stage.picture)),
  ]);
}
