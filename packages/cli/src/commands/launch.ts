import { availableParallelism } from 'node:os';
import { freePort } from '@thinkrl/engine';
import { ConfigError } from '@thinkrl/spec';
import type { Command, Invocation } from '../command.ts';
import { UsageError } from '../error.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { launch as launchJob } from '../launch/launch.ts';
import { INTERRUPTED } from '../launch/rank-process.ts';
import type { Output } from '../output.ts';

/** `thinkrl launch`: starts a program several times over, as ranks of one job; what one rank's failure ends. */
export const launch: Command = {
  name: 'launch',
  summary: 'start a program as several ranks of one job, with the variables of torchrun',
  options: {
    nproc: { value: 'N', help: 'processes on this machine (default 1)' },
    nnodes: { value: 'N', help: 'machines of the job (default 1)' },
    'node-rank': { value: 'N', help: 'which of them this is, from 0 (default 0)' },
    address: { value: 'HOST', help: 'where the first machine is reached (default 127.0.0.1)' },
    port: { value: 'N', help: 'a free port there (default: any, on one machine)' },
    grace: {
      value: 'SECONDS',
      help: 'what ranks have to end by themselves when one fails, and after SIGTERM (default 30)',
    },
  },
  takesSettings: false,
  positionals: ['-- PROGRAM ARGUMENTS...'],
  async run(invocation) {
    const { output } = invocation;
    const job = await jobOf(invocation);
    const insistence = new AbortController();
    const interrupt = listenForInterrupt(
      () => output.note('asking all ranks to end; again ends them at once'),
      () => insistence.abort(),
    );
    const fail = (cause: string) => {
      output.note(`thinkrl: ${cause}; ending the job`);
      output.record({ type: 'failure', cause });
    };
    const onLine = (rank: number, line: string, stream: 'stdout' | 'stderr') =>
      show(output, { rank, line, stream });
    try {
      const { signal } = interrupt;
      const failure = await launchJob({
        ...{ ...job, onLine, onFailure: fail },
        ...{ signal, insistence: insistence.signal },
      });
      output.record({ type: 'end', failure });
      if (signal.aborted || failure?.status === INTERRUPTED) return INTERRUPTED;
      return failure === null ? 0 : 1;
    } finally {
      interrupt.release();
    }
  },
};

/** Lines of rank 0 as they are, those of others behind their rank. */
function show(
  output: Output,
  {
    rank,
    line,
    stream,
  }: { readonly rank: number; readonly line: string; readonly stream: 'stdout' | 'stderr' },
): void {
  output.record({ type: 'line', rank, stream, line });
  const text = rank === 0 ? line : `[rank ${rank}] ${line}`;
  if (stream === 'stdout') output.say(text);
  else output.note(text);
}

async function jobOf({ line }: Invocation) {
  const { values, positionals } = line;
  if (positionals.length === 0)
    throw new UsageError('launch what? Write thinkrl launch --nproc 2 -- PROGRAM ARGUMENTS');
  const nodes = whole(values, 'nnodes', { missing: 1, least: 1 });
  const node = whole(values, 'node-rank', { missing: 0, least: 0 });
  if (node >= nodes)
    throw new ConfigError({
      field: '--node-rank',
      value: node,
      fix: `use 0 to ${nodes - 1} of --nnodes ${nodes}`,
    });
  if (nodes > 1 && (values.port === undefined || values.address === undefined))
    throw new UsageError('a job on several machines needs the same --address and --port on each');
  return {
    command: commandOf(positionals),
    processes: whole(values, 'nproc', { missing: 1, least: 1 }),
    nodes,
    node,
    address: values.address ?? '127.0.0.1',
    port: values.port === undefined ? await freePort() : whole(values, 'port', { missing: 0, least: 1 }),
    graceSeconds: whole(values, 'grace', { missing: 30, least: 0 }),
  };
}

/** A script for Node is run by this Node; everything else is a program. */
function commandOf(words: readonly string[]): readonly string[] {
  return /\.[cm]?js$/.test(words[0]!) ? [process.execPath, ...words] : words;
}

function whole(
  values: Readonly<Record<string, string>>,
  name: string,
  { missing, least }: { readonly missing: number; readonly least: number },
): number {
  const text = values[name];
  if (text === undefined) return missing;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least) return value;
  const cores = name === 'nproc' ? `; this machine has ${availableParallelism()} cores` : '';
  throw new ConfigError({
    field: `--${name}`,
    value: text,
    fix: `use a whole number of at least ${least}${cores}`,
  });
}
