// Trains or goes on with a run whose judge is a server: `OUT SETTINGS URL LOG`. Says at once what it does: `folder` when it
// has one, `judge` when it begins to ask, `update` when all is answered, `save` when an iteration is to be saved.
import { existsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseMicroConfig, type RunEvent, resumeMicro, trainMicro } from '@thinkrl/recipes';
import { watchedJudge, wordOf } from './watched-judge.ts';

const [out, settings, url, log] = process.argv.slice(2) as [string, string, string, string];
const say = (word: string) => writeSync(1, `${word}\n`);
const judge = await watchedJudge({ url, log, concurrency: Number(process.env.CONCURRENCY), say });
const onEvent = (event: RunEvent) => {
  const word = wordOf(event);
  if (word !== null) say(word);
};
if (existsSync(join(out, 'config.json'))) await resumeMicro(out, { onEvent, judge });
else await trainMicro(parseMicroConfig(JSON.parse(settings)), { out, onEvent, judge });
