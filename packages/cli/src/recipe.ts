import type * as recipes from '@thinkrl/recipes';

/** The ready-made run that the commands drive: `@thinkrl/recipes` itself. */
export type Recipe = Pick<
  typeof recipes,
  | 'defaultMicroConfig'
  | 'diagnoseMicro'
  | 'editMicro'
  | 'evaluateMicro'
  | 'evaluationTasks'
  | 'parseMicroConfig'
  | 'pretrainMicro'
  | 'resumeMicro'
  | 'trainMicro'
>;

/** Loads the recipe; kept out of the start so that `thinkrl --help` answers at once. */
export async function loadRecipe(): Promise<Recipe> {
  return import('@thinkrl/recipes');
}
