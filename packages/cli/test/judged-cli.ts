// `thinkrl` whose micro recipe has a judge behind the server at JUDGE_URL. Says on stderr what it does: `@pid N`, then
// `@judge`, `@update` and `@save` as the watched judge and its run say them.
import { writeSync } from 'node:fs';
import * as recipes from '@thinkrl/recipes';
import { watchedJudge, wordOf } from '../../recipes/test/faults/watched-judge.ts';
import { main } from '../src/index.ts';

const say = (word: string) => writeSync(2, `@${word}\n`);
const watched = async <Controls extends recipes.RunControls>(controls: Controls) => ({
  ...controls,
  judge: await watchedJudge({ url: process.env.JUDGE_URL!, log: '/dev/null', concurrency: 4, say }),
  onEvent: (event: recipes.RunEvent) => {
    controls.onEvent?.(event);
    const word = wordOf(event);
    if (word !== null) say(word);
  },
});
const recipe = {
  ...recipes,
  trainMicro: async (config: recipes.MicroConfig, options: recipes.TrainOptions) =>
    recipes.trainMicro(config, await watched(options)),
  resumeMicro: async (folder: string, controls: recipes.RunControls = {}) =>
    recipes.resumeMicro(folder, await watched(controls)),
};

say(`pid ${process.pid}`);
process.exitCode = await main(process.argv.slice(2), { load: async () => recipe });
