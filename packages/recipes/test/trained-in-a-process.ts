// Trains or goes on with a run: `FOLDER SETTINGS [RANK]`. Says `folder` as soon as the run has one. The rank that is named
// changes one of its weights after the first iteration, as a bad memory would.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { add, engine, type Variable } from '@tensorflow/tfjs-core';
import { parseMicroConfig, type RunEvent, resumeMicro, trainMicro } from '@thinkrl/recipes';

const [out, settings, perturbed] = process.argv.slice(2) as [string, string, string?];
const onEvent = (event: RunEvent) => {
  if (event.type === 'folder') console.log(event.type);
  if (event.type !== 'step' || event.report.iteration !== 1 || process.env.RANK !== perturbed) return;
  const trained = Object.values(engine().registeredVariables as Record<string, Variable>).find(
    ({ trainable, size }) => trainable && size > 1000,
  )!;
  trained.assign(add(trained, 1e-6));
};
if (existsSync(join(out, 'config.json'))) await resumeMicro(out, { onEvent });
else await trainMicro(parseMicroConfig(JSON.parse(settings)), { out, onEvent });
