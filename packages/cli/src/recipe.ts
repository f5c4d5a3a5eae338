import type * as recipes from '@thinkrl/recipes';

/** The ready-made run that the commands drive: `@thinkrl/recipes` itself. */
export type Recipe = Pick<
  typeof recipes,
  | 'defaultMicroConfig'
  | 'diagnoseMicro'
  | 'editMicro'
  | 'evaluateMicro'
  | 'parseMicroConfig'
  | 'resumeMicro'
  | 'trainMicro'
> &
  Partial<Pretraining>;

/** Makes the starting weights from a seed. */
export interface Pretraining {
  pretrainMicro(options: PretrainOptions): Promise<{ readonly weights: string }>;
}

/** Seed, folder and controls of {@link Pretraining}. */
export interface PretrainOptions {
  readonly seed: number;
  readonly out: string;
  readonly signal: AbortSignal;
  readonly onEvent: recipes.RunListener;
}

/** Loads the recipe; kept out of the start so that `thinkrl --help` answers at once. */
export async function loadRecipe(): Promise<Recipe> {
  return import('@thinkrl/recipes');
}
