// One rank that loads the second checkpoint of some folders, and the first where that is refused: loading-rank.ts FILE
// FOLDERS, with torchrun's variables; of each folder, its place as each rank sees it. What it was told goes to FILE.
import { writeFileSync } from 'node:fs';
import { joinGroup, useEngine } from '@thinkrl/engine';
import { rankEnvironment, withGroup } from '@thinkrl/fsdp-shard';
import { loadCheckpoint } from '../../src/index.ts';
import { member, valuesOf } from '../kept-module.ts';

const [file, folders] = process.argv.slice(2) as [string, string];
await useEngine({ engine: 'torch', threads: 1 });
const joined = await joinGroup({ ...rankEnvironment(process.env), timeoutSeconds: 30 });
await withGroup(joined, async (group) => {
  const told: unknown[] = [];
  const modules = [member(9, { group })];
  for (const places of JSON.parse(folders) as readonly (readonly string[])[]) {
    const request = { checkpoints: places[group.rank]!, modules };
    const message = await loadCheckpoint({ ...request, iteration: 2 }).then(
      () => 'loaded',
      (error: Error) => error.message,
    );
    await loadCheckpoint({ ...request, iteration: 1 });
    told.push({ message, values: valuesOf(modules[0]!) });
  }
  writeFileSync(file, JSON.stringify(told));
});
