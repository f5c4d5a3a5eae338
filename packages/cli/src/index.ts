export { UsageError } from './error.ts';
export { main, type Surroundings } from './main.ts';
export type { Stream } from './output.ts';
export type { Recipe } from './recipe.ts';
