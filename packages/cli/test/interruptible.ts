import { main } from '../src/index.ts';
import { scriptedRecipe } from './scripted-recipe.ts';

process.exitCode = await main(process.argv.slice(2), { load: async () => scriptedRecipe(50) });
