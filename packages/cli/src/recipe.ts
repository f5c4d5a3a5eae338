import type * as recipes from '@thinkrl/recipes';
import type * as qwen from '@thinkrl/recipes/qwen-image-edit';

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
  | 'pretrainPerceptionNet'
  | 'resumeMicro'
  | 'trainMicro'
>;

/** The run on Qwen-Image-Edit: `@thinkrl/recipes/qwen-image-edit` itself. */
export type QwenRecipe = Pick<
  typeof qwen,
  | 'adviceFor'
  | 'architectureOf'
  | 'defaultQwenEditConfig'
  | 'editPicture'
  | 'memoryPlan'
  | 'parseQwenEditConfig'
  | 'resumeQwenEdit'
  | 'trainQwenEdit'
>;

/** Loads the recipe; kept out of the start so that `thinkrl --help` answers at once. */
export async function loadRecipe(): Promise<Recipe> {
  return import('@thinkrl/recipes');
}

/** Loads the recipe of Qwen-Image-Edit, which brings libraries for pictures and tokens along. */
export async function loadQwenRecipe(): Promise<QwenRecipe> {
  return import('@thinkrl/recipes/qwen-image-edit');
}
