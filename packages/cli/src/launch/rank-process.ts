import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** The exit status of a program that was asked to stop and did. */
export const INTERRUPTED = 130;

/** A process of the job. */
export interface RankProcess {
  readonly rank: number;
  /** How it ended, once it has. */
  readonly ended: Promise<RankEnd>;
  kill(signal: NodeJS.Signals): void;
}

/** How a process of the job ended. */
export interface RankEnd {
  readonly rank: number;
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started. */
  readonly problem?: string;
  /** The last line it wrote on stderr. */
  readonly lastLine: string;
}

/** What a process is started with. */
export interface RankStart {
  readonly rank: number;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Receives what it writes, by line. */
  readonly onLine: (line: string, stream: 'stdout' | 'stderr') => void;
}

/** Starts a process of the job. */
export function startRank({ rank, command, env, onLine }: RankStart): RankProcess {
  const [program, ...args] = command;
  const child = spawn(program!, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let lastLine = '';
  forward(child.stdout, (line) => onLine(line, 'stdout'));
  forward(child.stderr, (line) => {
    if (line.trim() !== '') lastLine = line.trim();
    onLine(line, 'stderr');
  });
  return { rank, ended: endOf(child, rank, () => lastLine), kill: (signal) => void child.kill(signal) };
}

function forward(stream: Readable, onLine: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', onLine);
}

function endOf(child: ChildProcess, rank: number, lastLine: () => string): Promise<RankEnd> {
  return new Promise((resolve) => {
    child.once('error', ({ message }) =>
      resolve({ rank, status: null, signal: null, problem: message, lastLine: '' }),
    );
    child.once('close', (status, signal) => resolve({ rank, status, signal, lastLine: lastLine() }));
  });
}

/**
 * How a process ended, in a line.
 *
 * @example
 * describeEnd({ rank: 1, status: null, signal: 'SIGKILL', lastLine: '' }); // 'rank 1 was ended by SIGKILL'
 */
export function describeEnd({ rank, status, signal, problem, lastLine }: RankEnd): string {
  if (problem !== undefined) return `rank ${rank} did not start: ${problem}`;
  if (status === INTERRUPTED) return `rank ${rank} was interrupted`;
  const said = lastLine === '' ? '' : `; its last line: ${lastLine}`;
  return signal === null
    ? `rank ${rank} ended with status ${status}${said}`
    : `rank ${rank} was ended by ${signal}${said}`;
}
