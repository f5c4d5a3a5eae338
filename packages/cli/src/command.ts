import type { CommandLine, Options } from './command-line.ts';
import type { Output } from './output.ts';
import type { Recipe } from './recipe.ts';

/** What a command is given when it runs. */
export interface Invocation {
  readonly line: CommandLine;
  readonly output: Output;
  readonly recipe: Recipe;
}

/** A command of `thinkrl`. */
export interface Command {
  readonly name: string;
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
