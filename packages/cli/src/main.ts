import { readFileSync } from 'node:fs';
import { closest } from 'fastest-levenshtein';
import type { Command } from './command.ts';
import { parseCommandLine } from './command-line.ts';
import { commands } from './commands/index.ts';
import { UsageError } from './error.ts';
import { fail } from './failure.ts';
import { commandHelp, commonOptions, overview } from './help.ts';
import { createOutput, type Output, type Stream } from './output.ts';
import { loadQwenRecipe, loadRecipe, type QwenRecipe, type Recipe } from './recipe.ts';
import { type RecipeName, recipeName } from './recipe-name.ts';
import type { Settings } from './settings.ts';

/** What surrounds {@link main}; all of it has a default. */
export interface Surroundings {
  readonly stdout?: Stream;
  readonly stderr?: Stream;
  /** The run that the commands drive. */
  readonly load?: () => Promise<Recipe>;
  /** The run on Qwen-Image-Edit. */
  readonly loadQwen?: () => Promise<QwenRecipe>;
}

/**
 * Runs `thinkrl` with the words after its name. Resolves to the exit status: 0 done, 1 failed, 2 wrong usage or
 * settings, 130 interrupted. Never rejects.
 *
 * @example
 * process.exitCode = await main(['train', '--mode', 'plan', '--iterations', '10']);
 */
export async function main(words: readonly string[], surroundings: Surroundings = {}): Promise<number> {
  const { stdout = process.stdout, stderr = process.stderr } = surroundings;
  const { load = loadRecipe, loadQwen = loadQwenRecipe } = surroundings;
  const own = ownWords(words);
  const output = createOutput(stdout, stderr, own.includes('--json'));
  try {
    return await dispatch(words, output, { load, loadQwen });
  } catch (error) {
    return fail(error, output, own.includes('--verbose'));
  }
}

/** The words before `--`; what comes after it is for somebody else. */
function ownWords(words: readonly string[]): readonly string[] {
  const border = words.indexOf('--');
  return border < 0 ? words : words.slice(0, border);
}

async function dispatch(
  words: readonly string[],
  output: Output,
  { load, loadQwen }: Required<Pick<Surroundings, 'load' | 'loadQwen'>>,
): Promise<number> {
  const [name, ...rest] = words.filter((word, i) => i > 0 || word !== '--json');
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    output.say(overview(commands));
    return name === undefined ? 2 : 0;
  }
  if (name === '--version') {
    output.say(version());
    return 0;
  }
  refuseUnknown(name);
  const isForAll = commands.some((command) => command.name === name && command.only !== 'micro');
  const about = isForAll ? (recipeName(name, rest) ?? usualRecipe(name)) : 'micro';
  const command = find(name, about);
  const recipe = await load();
  const qwen = about === 'qwen-image-edit' ? await loadQwen() : null;
  const settings = qwen?.defaultQwenEditConfig ?? recipe.defaultMicroConfig;
  const defaults = command.takesSettings ? settingsBeside(command, settings) : {};
  if (ownWords(rest).includes('--help')) {
    output.say(commandHelp(command, defaults));
    return 0;
  }
  const options = { ...command.options, ...commonOptions };
  const positionals = command.positionals.at(-1)?.endsWith('...')
    ? Number.POSITIVE_INFINITY
    : command.positionals.length;
  const line = parseCommandLine(rest, { options, defaults, positionals });
  return command.run({ line, output, recipe, qwen });
}

/** The settings that no option of the command has the name of. */
function settingsBeside({ options }: Command, settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !(name in options)));
}

function refuseUnknown(name: string): void {
  const names = commands.map((command) => command.name);
  if (names.includes(name)) return;
  throw new UsageError(
    `no such command: ${name}; did you mean thinkrl ${closest(name, names)}? See thinkrl --help`,
  );
}

/** The recipe that a command is about where nothing says: the micro-world's, unless the command is for another alone. */
function usualRecipe(name: string): RecipeName {
  const named = commands.filter((command) => command.name === name);
  return named.length === 1 ? (named[0]!.only ?? 'micro') : 'micro';
}

/** The command of a name that is for the recipe. */
function find(name: string, about: RecipeName): Command {
  const named = commands.filter((command) => command.name === name);
  const found = named.find(({ only }) => only === about) ?? named.find(({ only }) => only === undefined);
  if (found !== undefined) return found;
  throw new UsageError(`thinkrl ${name} is not for the recipe ${about}`);
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
