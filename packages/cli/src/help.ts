import type { Command } from './command.ts';
import type { Options } from './command-line.ts';
import { leaves, type Settings } from './settings.ts';

/** Options that every command takes. */
export const commonOptions: Options = {
  json: { help: 'one JSON record a line on stdout, for machines' },
  verbose: { help: 'show the stack of an error' },
  help: { help: 'show this' },
};

/** What `thinkrl --help` prints. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    'thinkrl: teaches an image editor to think before it edits',
    '',
    'usage: thinkrl COMMAND [options]',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'thinkrl COMMAND --help lists the options of a command; thinkrl --version prints the version.',
    'Exit status: 0 done, 1 failed, 2 wrong usage or settings, 130 interrupted.',
  ].join('\n');
}

/** What `thinkrl COMMAND --help` prints; `settings` are the defaults it takes. */
export function commandHelp(command: Command, settings: Settings): string {
  const words = ['thinkrl', command.name, '[options]', ...command.positionals.map((name) => `[${name}]`)];
  const rows = Object.entries({ ...command.options, ...commonOptions }).map(
    ([name, { value, help }]) => [value === undefined ? `--${name}` : `--${name} ${value}`, help] as const,
  );
  const paths = leaves(settings).map(([path, value]) => [`--${path}`, JSON.stringify(value)] as const);
  const width = Math.max(...[...rows, ...paths].map(([name]) => name.length));
  const line = ([name, text]: readonly [string, string]) => `  ${name.padEnd(width)}  ${text}`;
  return [
    `${command.summary}`,
    '',
    `usage: ${words.join(' ')}`,
    '',
    ...rows.map(line),
    ...(paths.length > 0 ? ['', 'settings and their defaults:', ...paths.map(line)] : []),
  ].join('\n');
}
