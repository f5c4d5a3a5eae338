import { ConfigError } from '@thinkrl/spec';
import type { Invocation } from '../command.ts';
import type { Options } from '../command-line.ts';
import { UsageError } from '../error.ts';
import { leaves } from '../settings.ts';

/** What can be evaluated on. */
export type BenchName = 'micro' | 'kris' | 'rise';

interface BenchOption {
  readonly value?: string;
  readonly help: string;
  readonly benches: readonly BenchName[];
  /** The values it may take. */
  readonly choices?: readonly string[];
}

const everywhere: readonly BenchName[] = ['micro', 'kris', 'rise'];
const served: readonly BenchName[] = ['kris', 'rise'];

const described: Readonly<Record<string, BenchOption>> = {
  bench: { value: 'NAME', help: 'micro, kris or rise (default micro)', benches: everywhere },
  data: { value: 'DIR', help: 'kris, rise: the folder of the benchmark', benches: served },
  annotation: {
    value: 'FILE',
    help: 'rise: the list of samples (default: found in --data)',
    benches: ['rise'],
  },
  editor: {
    value: 'WHAT',
    help: 'identity, micro, or "PROGRAM ARGUMENTS" that edits (default micro on micro)',
    benches: everywhere,
  },
  pictures: {
    value: 'DIR',
    help: 'kris, rise: edited pictures of a model, in the layout of its scripts',
    benches: served,
  },
  judge: {
    value: 'WHAT',
    help: 'the URL of a server, replay:FILE, or exact (micro alone, and its default)',
    benches: everywhere,
  },
  'judge-model': { value: 'NAME', help: 'the model that the server is to use', benches: everywhere },
  'judge-key': {
    value: 'VARIABLE',
    help: 'environment variable with the key of the server',
    benches: everywhere,
  },
  concurrency: { value: 'N', help: 'questions to the judge at once (default 8)', benches: everywhere },
  prompts: {
    value: 'DIR',
    help: 'kris, rise: checkout of the benchmark with its prompts (default: ours)',
    benches: served,
  },
  out: {
    value: 'DIR',
    help: 'folder of the run (default runs/eval-BENCH-EDITOR); run again, it goes on',
    benches: everywhere,
  },
  'ask-again': { help: 'kris, rise: ask again where a reply holds no score', benches: served },
  parsing: {
    value: 'HOW',
    help: 'kris, rise: how replies are read, upstream or strict; rise also first, its default',
    benches: served,
  },
  weighting: {
    value: 'HOW',
    help: 'kris: averages over samples or over values, sample or value (default sample)',
    benches: ['kris'],
    choices: ['sample', 'value'],
  },
  missing: {
    value: 'HOW',
    help: 'kris: missing scores are left out or count as 1, skip or raw1 (default skip)',
    benches: ['kris'],
    choices: ['skip', 'raw1'],
  },
  records: {
    value: 'WHICH',
    help: 'kris: which samples count, all or complete (default all)',
    benches: ['kris'],
    choices: ['all', 'complete'],
  },
  'anomaly-prompt': {
    value: 'WHICH',
    help: 'kris: prompt for anomalies, upstream or intended (default upstream)',
    benches: ['kris'],
    choices: ['upstream', 'intended'],
  },
  'score-mode': {
    value: 'HOW',
    help: 'rise: weighing of scores, upstream or weighted (default upstream)',
    benches: ['rise'],
    choices: ['upstream', 'weighted'],
  },
  'accuracy-mode': {
    value: 'HOW',
    help: 'rise: what is right, post2026 or legacy (default post2026)',
    benches: ['rise'],
    choices: ['post2026', 'legacy'],
  },
};

/** The options of `thinkrl eval` beside the settings of the micro-world. */
export const benchOptions: Options = Object.fromEntries(
  Object.entries(described).map(([name, { value, help }]) => [
    name,
    { help, ...(value !== undefined && { value }) },
  ]),
);

/**
 * The benchmark that an invocation names.
 *
 * @throws UsageError for an unknown one, or for options and settings that it does not take.
 */
export function benchOf({ line }: Invocation): BenchName {
  const { bench = 'micro' } = line.values;
  const known = everywhere.find((name) => name === bench);
  if (known === undefined)
    throw new UsageError(`--bench is ${JSON.stringify(bench)}: use micro, kris or rise`);
  const given = [...Object.keys(line.values), ...line.flags];
  const stray = given.find((name) => described[name]?.benches.includes(known) === false);
  if (stray !== undefined)
    throw new UsageError(`--${stray} has no meaning with --bench ${known}; leave it out`);
  const [setting] = leaves(line.settings);
  const micro = ['config', 'weights', 'run'].find((name) => line.values[name] !== undefined) ?? setting?.[0];
  if (known !== 'micro' && micro !== undefined)
    throw new UsageError(`--${micro} is for the micro-world; leave it out with --bench ${known}`);
  return known;
}

/** The value of an option that has choices, where it is given. @throws ConfigError for any other value. */
export function choiceOf<T extends string>(
  { line }: Invocation,
  name: string,
  choices?: readonly T[],
): T | undefined {
  const value = line.values[name];
  const allowed = choices ?? (described[name]?.choices as readonly T[]);
  if (value === undefined || allowed.includes(value as T)) return value as T | undefined;
  throw new ConfigError({ field: `--${name}`, value, fix: `use ${allowed.join(' or ')}` });
}

/** An option that has to be there. @throws UsageError that says what to name. */
export function required({ line }: Invocation, name: string, what: string): string {
  const value = line.values[name];
  if (value === undefined) throw new UsageError(`--${name} is missing: name ${what}`);
  return value;
}
