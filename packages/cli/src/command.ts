import type { CommandLine, Options } from './command-line.ts';
import type { Output } from './output.ts';
import type { QwenRecipe, Recipe } from './recipe.ts';
import type { RecipeName } from './recipe-name.ts';

/** What a command is given when it runs. */
export interface Invocation {
  readonly line: CommandLine;
  readonly output: Output;
  readonly recipe: Recipe;
  /** Set where the command line is about Qwen-Image-Edit. */
  readonly qwen: QwenRecipe | null;
}

/** A command of `thinkrl`. */
export interface Command {
  readonly name: string;
  /** The only recipe it is for; another command of its name may be for the others. */
  readonly only?: RecipeName;
  /** What it does, in one line. */
  readonly summary: string;
  readonly options: Options;
  /** Whether it takes the recipe's settings as `--a.b value` and `--config`. */
  readonly takesSettings: boolean;
  /** Names of the words without dashes that it takes. */
  readonly positionals: readonly string[];
  /** Resolves to the exit status. */
  run(invocation: Invocation): Promise<number>;
}
