import { readFileSync } from 'node:fs';
import { ConfigError } from '@thinkrl/spec';

/** Settings as nested records, as in a config file. */
export type Settings = Readonly<Record<string, unknown>>;

/**
 * The dotted path and value of every leaf of nested settings; lists are leaves.
 *
 * @example
 * leaves({ seed: 1, editing: { steps: 6 } }); // [['seed', 1], ['editing.steps', 6]]
 */
export function leaves(settings: Settings, prefix = ''): readonly (readonly [string, unknown])[] {
  return Object.entries(settings).flatMap(([name, value]) =>
    isSettings(value) ? leaves(value, `${prefix}${name}.`) : [[`${prefix}${name}`, value] as const],
  );
}

/**
 * A setting typed on the command line: text where the default is text, otherwise JSON; what is not JSON stays text, for
 * the check to refuse with a proper message.
 *
 * @example
 * typedValue('1e-4', 2e-4); // 0.0001
 * typedValue('plan', 'full'); // 'plan'
 */
export function typedValue(text: string, fallback: unknown): unknown {
  if (typeof fallback === 'string') return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** `settings` with the leaf at a dotted path replaced. */
export function withSetting(settings: Settings, path: string, value: unknown): Settings {
  const [name, ...rest] = path.split('.') as [string, ...string[]];
  if (rest.length === 0) return { ...settings, [name]: value };
  const inner = settings[name];
  return { ...settings, [name]: withSetting(isSettings(inner) ? inner : {}, rest.join('.'), value) };
}

/** Reads a JSON file of settings, named by the option `field`. @throws ConfigError when it is missing, not JSON, or not a record. */
export function readSettings(path: string, field = '--config', wanted = 'a JSON file'): Settings {
  const fail = (fix: string, cause: unknown) => new ConfigError({ field, value: path, fix }, { cause });
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw fail(`cannot be read (${(cause as NodeJS.ErrnoException).code}); name ${wanted}`, cause);
  }
  try {
    const value = JSON.parse(text) as unknown;
    if (isSettings(value)) return value;
  } catch (cause) {
    throw fail(`is not JSON: ${(cause as Error).message}`, cause);
  }
  throw fail('holds no settings; write {"seed": 1} or the like', undefined);
}

/** Whether a value is nested settings and not a leaf. */
export function isSettings(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
