import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Judge } from '../judge.ts';
import { JudgeCacheError } from './error.ts';
import { readRecord } from './record.ts';

/** The key of the record that says whose judgements a journal holds. */
export const HEADER_KEY = 'judge';

/** Changes whenever records are written in another way. */
const FORMAT = 1;

const headerForm = z.object({ format: z.literal(FORMAT), name: z.string(), version: z.string() });

/** What the header of a judge's journal says. */
export function headerOf({ name, version }: Judge): string {
  return JSON.stringify({ format: FORMAT, name, version });
}

/** Checks a header. @throws JudgeCacheError when the journal has another format or is of another judge. */
export function readHeader(path: string, json: string, { name, version }: Judge): void {
  const { success, data } = headerForm.safeParse(JSON.parse(json));
  if (!success)
    throw new JudgeCacheError({ path, problem: `has the format ${json}; use another folder or remove it` });
  if (data.name !== name || data.version !== version)
    throw new JudgeCacheError({
      path,
      problem: `is of ${data.name} ${data.version}, not of ${name} ${version}`,
    });
}

/** The other versions of a judge that have a journal in the folder. */
export async function otherVersions(folder: string, { name, version }: Judge): Promise<readonly string[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.jsonl')).sort();
  const headers = await Promise.all(files.map((file) => firstHeader(join(folder, file))));
  return headers.flatMap((header) =>
    header?.name === name && header.version !== version ? [header.version] : [],
  );
}

const longestHeader = 4096;

/** Null where a file begins with something else or cannot be opened. */
async function firstHeader(path: string): Promise<z.infer<typeof headerForm> | null> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return null;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(longestHeader), 0, longestHeader, 0);
    const [line] = buffer.toString('utf8', 0, bytesRead).split('\n', 1);
    const record = readRecord(line!);
    const { data } = headerForm.safeParse(record?.key === HEADER_KEY ? JSON.parse(record.json) : null);
    return data ?? null;
  } finally {
    await file.close();
  }
}
