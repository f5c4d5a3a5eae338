// One rank of four, in two nodes, that save twice; one dies in the middle of the second time, as soon as a file is there:
// dying-rank.ts FOLDER RANK FILE, with torchrun's variables.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { joinGroup, joinPart, useEngine } from '@thinkrl/engine';
import { meshOf, rankEnvironment, withGroup } from '@thinkrl/fsdp-shard';
import { saveCheckpoint } from '../../src/index.ts';
import { member } from '../kept-module.ts';

const [checkpoints, victim, file] = process.argv.slice(2) as [string, string, string];
const place = { ...rankEnvironment(process.env), timeoutSeconds: 30 };

function dieWhenThere(): void {
  if (existsSync(join(checkpoints, '.step-2.writing', file))) process.kill(process.pid, 'SIGKILL');
  setImmediate(dieWhenThere);
}

await useEngine({ engine: 'torch', threads: 1 });
await withGroup(await joinGroup(place), async (world) => {
  const mesh = meshOf(place, 2);
  const groups = { group: await joinPart(place, mesh.node), replicas: await joinPart(place, mesh.replicas) };
  const modules = [member(1, groups)];
  const request = { checkpoints, modules, keepCheckpoints: 1, processGroup: world };
  await saveCheckpoint({ ...request, iteration: 1 });
  if (world.rank === Number(victim)) dieWhenThere();
  await saveCheckpoint({ ...request, iteration: 2 });
}).catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
