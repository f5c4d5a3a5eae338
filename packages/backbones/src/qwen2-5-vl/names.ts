import type { ParameterMap, TensorRule } from '@thinkrl/nn';

/** The parameters whose names start with `prefix`, named by what follows it. */
export function under(parameters: ParameterMap, prefix: string): ParameterMap {
  const chosen = [...parameters].filter(([name]) => name.startsWith(prefix));
  return new Map(chosen.map(([name, variable]) => [name.slice(prefix.length), variable]));
}

/**
 * Names of parameters here for those of a checkpoint: files say `visual.*` and `model.*`, newer ones `model.visual.*` and
 * `model.language_model.*`, which is what they become.
 */
export const CURRENT_NAMES: readonly TensorRule[] = [
  { match: /^visual\.(.+)$/, name: 'model.visual.$1' },
  { match: /^model\.(?!visual\.|language_model\.)(.+)$/, name: 'model.language_model.$1' },
];
