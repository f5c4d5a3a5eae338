import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { MicroConfig } from '@thinkrl/recipes';
import type { QwenEditConfig } from '@thinkrl/recipes/qwen-image-edit';
import { ConfigError } from '@thinkrl/spec';
import type { Invocation } from './command.ts';
import type { Options } from './command-line.ts';
import { UsageError } from './error.ts';
import type { QwenRecipe } from './recipe.ts';
import type { RecipeName } from './recipe-name.ts';
import { isSettings, leaves, readSettings, type Settings, withSetting } from './settings.ts';

/** The option that names a config file. */
export const configOption: Options = {
  config: { value: 'FILE', help: 'JSON file with settings; options on the command line win over it' },
};

/** The options that say which weights to use. */
export const sourceOptions: Options = {
  weights: { value: 'FILE', help: 'a safetensors file of both models instead of the shipped weights' },
  run: { value: 'DIR', help: 'a run folder: its settings and its newest checkpoint' },
};

/**
 * The checked settings of an invocation: defaults, then the config file, or else those of the run named by `--run`, then
 * options.
 *
 * @throws ConfigError that names field, value and fix.
 */
export function configOf({ line, recipe }: Invocation): MicroConfig {
  const { config, run } = line.values;
  const { recipe: _, ...base } =
    config !== undefined ? readSettings(config) : run !== undefined ? settingsOfRun(run) : {};
  return recipe.parseMicroConfig(overlay(base, line.settings));
}

/**
 * The checked settings of an invocation that evaluates, as {@link configOf} gives them.
 *
 * @throws ConfigError also where there would be nothing to evaluate.
 */
export function evaluationConfigOf(invocation: Invocation): MicroConfig {
  const config = configOf(invocation);
  if (config.evaluation.tasks > 0) return config;
  throw new ConfigError({ field: 'evaluation.tasks', value: 0, fix: 'use at least 1' });
}

/**
 * The checked settings of an invocation about Qwen-Image-Edit: `under`, then the config file, then options, then `over`.
 *
 * @throws ConfigError that names field, value and fix.
 */
export function qwenConfigOf(
  { line }: Pick<Invocation, 'line'>,
  qwen: QwenRecipe,
  { under = {}, over = {} }: { readonly under?: Settings; readonly over?: Settings } = {},
): QwenEditConfig {
  const { config } = line.values;
  const file = config === undefined ? {} : readSettings(config);
  return qwen.parseQwenEditConfig([file, line.settings, over].reduce(overlay, under));
}

/** Which weights the options name. */
export function sourceOf({ line }: Invocation): { readonly weights?: string; readonly run?: string } {
  const { weights, run } = line.values;
  return { ...(weights !== undefined && { weights }), ...(run !== undefined && { run }) };
}

/** The whole number in an option, or `fallback`. @throws UsageError when it is none or below `least`. */
export function wholeNumber({ line }: Invocation, name: string, { least, fallback }: Bounds): number {
  const text = line.values[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least)
    throw new UsageError(`--${name} is ${JSON.stringify(text)}: use a whole number of at least ${least}`);
  return value;
}

/** Limits of {@link wholeNumber}. */
export interface Bounds {
  readonly least: number;
  readonly fallback: number;
}

/**
 * Makes sure that a resumed run is given nothing that would make it another run.
 *
 * @throws UsageError that names the first such option.
 */
export function refuseOtherRun({ line }: Invocation): void {
  const [first] = leaves(line.settings);
  const extra = ['out', 'config', 'weights'].find((name) => line.values[name] !== undefined) ?? first?.[0];
  if (extra !== undefined)
    throw new UsageError(
      `--resume goes on with a run as it was set up: leave --${extra} out, or start a new run`,
    );
}

/** `runs/<recipe>-<mode>-seed<seed>`, numbered on when that holds a run already. */
export function newRunFolder(recipe: RecipeName, { mode, seed }: Pick<MicroConfig, 'mode' | 'seed'>): string {
  const name = join('runs', `${recipe}-${mode}-seed${seed}`);
  for (let count = 1; ; count++) {
    const path = count === 1 ? name : `${name}-${count}`;
    if (!existsSync(join(path, 'config.json'))) return path;
  }
}

function settingsOfRun(run: string): Settings {
  const { config } = readSettings(join(run, 'config.json'), '--run', 'a run folder');
  if (isSettings(config)) return config;
  throw new ConfigError({
    field: '--run',
    value: run,
    fix: 'its config.json holds no settings; name a run folder',
  });
}

function overlay(base: Settings, over: Settings): Settings {
  return leaves(over).reduce((settings, [path, value]) => withSetting(settings, path, value), base);
}
