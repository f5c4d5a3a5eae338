import { rename, rm, writeFile } from 'node:fs/promises';
import { ReportError } from './error.ts';

/** Writes a file whole or not at all: aside, then renamed. @throws ReportError when it cannot be written. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const aside = `${path}.writing`;
  try {
    await writeFile(aside, text);
    await rename(aside, path);
  } catch (cause) {
    await rm(aside, { force: true }).catch(() => {});
    throw new ReportError(path, `cannot be written: ${(cause as Error).message}`, { cause });
  }
}
