import type { ParameterMap } from '@thinkrl/nn';

/** The parameters whose names start with `prefix`, named by what follows it. */
export function under(parameters: ParameterMap, prefix: string): ParameterMap {
  const chosen = [...parameters].filter(([name]) => name.startsWith(prefix));
  return new Map(chosen.map(([name, variable]) => [name.slice(prefix.length), variable]));
}

/**
 * The name that a parameter has here for the one it has in a checkpoint: files say `visual.*` and `model.*`, newer ones
 * `model.visual.*` and `model.language_model.*`, which is what it becomes.
 */
export function currentName(name: string): string {
  return name
    .replace(/^visual\./, 'model.visual.')
    .replace(/^model\.(?!visual\.|language_model\.)/, 'model.language_model.');
}
