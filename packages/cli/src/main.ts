import { readFileSync } from 'node:fs';
import { closest } from 'fastest-levenshtein';
import type { Command } from './command.ts';
import { parseCommandLine } from './command-line.ts';
import { commands } from './commands/index.ts';
import { UsageError } from './error.ts';
import { fail } from './failure.ts';
import { commandHelp, commonOptions, overview } from './help.ts';
import { createOutput, type Output, type Stream } from './output.ts';
import { loadRecipe, type Recipe } from './recipe.ts';
import type { Settings } from './settings.ts';

/** What surrounds {@link main}; all of it has a default. */
export interface Surroundings {
  readonly stdout?: Stream;
  readonly stderr?: Stream;
  /** The run that the commands drive. */
  readonly load?: () => Promise<Recipe>;
}

/**
 * Runs `thinkrl` with the words after its name. Resolves to the exit status: 0 done, 1 failed, 2 wrong usage or
 * settings, 130 interrupted. Never rejects.
 *
 * @example
 * process.exitCode = await main(['train', '--mode', 'plan', '--iterations', '10']);
 */
export async function main(words: readonly string[], surroundings: Surroundings = {}): Promise<number> {
  const { stdout = process.stdout, stderr = process.stderr, load = loadRecipe } = surroundings;
  const output = createOutput(stdout, stderr, words.includes('--json'));
  try {
    return await dispatch(words, output, load);
  } catch (error) {
    return fail(error, output, words.includes('--verbose'));
  }
}

async function dispatch(
  words: readonly string[],
  output: Output,
  load: () => Promise<Recipe>,
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
  const command = find(name);
  const recipe = await load();
  const defaults = command.takesSettings ? settingsBeside(command, recipe.defaultMicroConfig) : {};
  if (rest.includes('--help')) {
    output.say(commandHelp(command, defaults));
    return 0;
  }
  const options = { ...command.options, ...commonOptions };
  const line = parseCommandLine(rest, { options, defaults, positionals: command.positionals.length });
  return command.run({ line, output, recipe });
}

/** The settings that no option of the command has the name of. */
function settingsBeside({ options }: Command, settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !(name in options)));
}

function find(name: string): Command {
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const nearest = closest(
    name,
    commands.map((candidate) => candidate.name),
  );
  throw new UsageError(`no such command: ${name}; did you mean thinkrl ${nearest}? See thinkrl --help`);
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
