import { type ParseArgsConfig, parseArgs } from 'node:util';
import { closest } from 'fastest-levenshtein';
import { UsageError } from './error.ts';
import { leaves, type Settings, typedValue, withSetting } from './settings.ts';

/** An option of a command: a flag, or one that takes the value named. */
export interface Option {
  readonly help: string;
  /** What stands for its value in the help; a flag has none. */
  readonly value?: string;
}

/** Options by name, without dashes. */
export type Options = Readonly<Record<string, Option>>;

/** A command line taken apart. */
export interface CommandLine {
  readonly flags: ReadonlySet<string>;
  readonly values: Readonly<Record<string, string>>;
  /** Settings given as `--a.b value`, nested. */
  readonly settings: Settings;
  readonly positionals: readonly string[];
}

/** What a command understands. */
export interface Grammar {
  readonly options: Options;
  /** The settings whose leaves may be given as options; empty where a command takes none. */
  readonly defaults: Settings;
  /** How many words without dashes it takes. */
  readonly positionals: number;
}

/**
 * Takes a command line apart.
 *
 * @throws UsageError for an unknown option (naming the nearest one), a missing value, or a stray word.
 */
export function parseCommandLine(words: readonly string[], grammar: Grammar): CommandLine {
  const settings = new Map(leaves(grammar.defaults));
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const path of settings.keys()) options[path] = { type: 'string' };
  for (const [name, { value }] of Object.entries(grammar.options))
    options[name] = { type: value === undefined ? 'boolean' : 'string' };
  refuseUnknown(words, options);
  const { values, positionals } = parseStrictly(words, options);
  if (positionals.length > grammar.positionals)
    throw new UsageError(`what is "${positionals[grammar.positionals]}"? Settings are written --name value`);
  return sort(Object.entries(values), { positionals, grammar, settings });
}

function parseStrictly(words: readonly string[], options: NonNullable<ParseArgsConfig['options']>) {
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
  } catch (cause) {
    throw new UsageError((cause as Error).message.split('\n')[0]!, { cause });
  }
}

function refuseUnknown(words: readonly string[], options: NonNullable<ParseArgsConfig['options']>): void {
  const known = Object.keys(options);
  const { tokens } = parseArgs({
    args: [...words],
    options,
    strict: false,
    tokens: true,
    allowPositionals: true,
  });
  for (const token of tokens) {
    if (token.kind !== 'option' || known.includes(token.name)) continue;
    throw new UsageError(`no such option: ${token.rawName}; did you mean --${closest(token.name, known)}?`);
  }
}

interface Sorting {
  readonly positionals: readonly string[];
  readonly grammar: Grammar;
  readonly settings: ReadonlyMap<string, unknown>;
}

function sort(
  given: readonly (readonly [string, unknown])[],
  { positionals, grammar, settings }: Sorting,
): CommandLine {
  const flags = new Set<string>();
  const values: Record<string, string> = {};
  let overrides: Settings = {};
  for (const [name, value] of given) {
    if (name in grammar.options) {
      if (typeof value === 'string') values[name] = value;
      else flags.add(name);
    } else if (typeof value === 'string') {
      overrides = withSetting(overrides, name, typedValue(value, settings.get(name)));
    }
  }
  return { flags, values, settings: overrides, positionals };
}
