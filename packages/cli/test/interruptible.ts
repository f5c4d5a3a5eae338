import { main } from '../src/index.ts';
import { scriptedRecipe } from './scripted-recipe.ts';

const pause = Number(process.env.PAUSE ?? 50);
process.exitCode = await main(process.argv.slice(2), { load: async () => scriptedRecipe(pause) });
