import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder with the annotations of all categories in one `final_data.json`, as BAGEL keeps them. */
export async function mergedCopy(bench: string): Promise<string> {
  const categories = await readdir(bench);
  const lists = await Promise.all(
    categories.map(async (type) => {
      const text = await readFile(join(bench, type, 'annotation.json'), 'utf8');
      const records = Object.entries(JSON.parse(text) as Readonly<Record<string, object>>);
      return records.map(([id, record]) => ({ id, type, ...record }));
    }),
  );
  const folder = await mkdtemp(join(tmpdir(), 'thinkrl-kris-'));
  await writeFile(join(folder, 'final_data.json'), JSON.stringify(lists.flat()));
  return folder;
}
