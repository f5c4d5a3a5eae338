import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '@thinkrl/spec';
import { readSettings } from './settings.ts';

const NAMES = ['micro', 'qwen-image-edit'] as const;

/** The recipes that commands know. */
export type RecipeName = (typeof NAMES)[number];

/**
 * Which recipe a command line is about: the one that its config file or its run folder names; that of Qwen-Image-Edit where a
 * `--model` is given; null where nothing says.
 *
 * @throws ConfigError for a config file that cannot be read or names an unknown recipe.
 */
export function recipeName(command: string, words: readonly string[]): RecipeName | null {
  const config = givenValue(words, 'config');
  if (config !== undefined) return known(readSettings(config).recipe, config);
  const run =
    command === 'resume' ? words.find((word) => !word.startsWith('-')) : givenValue(words, 'resume');
  if (run !== undefined) return ofRun(run);
  return givenValue(words, 'model') === undefined ? null : 'qwen-image-edit';
}

/** The value of an option before the command line is taken apart; which options there are depends on the recipe. */
function givenValue(words: readonly string[], option: string): string | undefined {
  const at = words.findIndex((word) => word === `--${option}` || word.startsWith(`--${option}=`));
  return at < 0 ? undefined : (words[at]!.split('=', 2)[1] ?? words[at + 1]);
}

/** That of a run folder; what is no run folder is for the command itself to refuse. */
function ofRun(run: string): RecipeName {
  const path = join(run, 'config.json');
  if (!existsSync(path)) return 'micro';
  try {
    return known(readSettings(path).recipe, path);
  } catch {
    return 'micro';
  }
}

function known(name: unknown, path: string): RecipeName {
  const found = NAMES.find((one) => one === (name ?? 'micro'));
  if (found !== undefined) return found;
  throw new ConfigError({ field: `recipe in ${path}`, value: name, fix: `use one of ${NAMES.join(', ')}` });
}
