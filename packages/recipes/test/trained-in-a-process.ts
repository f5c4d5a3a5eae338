// Trains or goes on with a run: `FOLDER SETTINGS`. Says `folder` as soon as the run has one.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseMicroConfig, type RunEvent, resumeMicro, trainMicro } from '@thinkrl/recipes';

const [out, settings] = process.argv.slice(2) as [string, string];
const onEvent = ({ type }: RunEvent) => {
  if (type === 'folder') console.log(type);
};
if (existsSync(join(out, 'config.json'))) await resumeMicro(out, { onEvent });
else await trainMicro(parseMicroConfig(JSON.parse(settings)), { out, onEvent });
