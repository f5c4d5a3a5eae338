import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readMetrics } from '@thinkrl/orchestrator';

/** A script of this folder in a process of its own. */
export interface Started {
  readonly child: ChildProcess;
  /** Is told of each line on stdout. */
  onLine(listener: (line: string) => void): void;
  /** Is told of each line on stderr. */
  onError(listener: (line: string) => void): void;
  /** How it ended, and what it wrote on stderr. */
  readonly ended: Promise<{
    readonly status: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly errors: string;
  }>;
}

/** Beside its words, what a script is started with. */
export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it leads a process group of its own, as what is started from a terminal does. */
  readonly detached?: boolean;
}

/** Starts a script, by its path from this folder. */
export function start(
  script: string,
  words: readonly string[],
  { env = {}, detached = false }: StartOptions = {},
): Started {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const command = ['--import', 'tsx', '--conditions=@thinkrl/source', path, ...words];
  const child = spawn(process.execPath, command, {
    env: { ...process.env, ...env },
    detached,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines = createInterface({ input: child.stdout });
  const errorLines = createInterface({ input: child.stderr });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ended = new Promise<Awaited<Started['ended']>>((done) =>
    child.on('close', (status, signal) => done({ status, signal, errors })),
  );
  return {
    child,
    ended,
    onLine: (listener) => void lines.on('line', listener),
    onError: (listener) => void errorLines.on('line', listener),
  };
}

/** A judge's server that answers after some milliseconds, and its URL. */
export async function startJudge(
  log: string,
  milliseconds: number,
  port = 0,
): Promise<{ readonly url: string; end(): Promise<unknown> }> {
  const server = start('judge-server.ts', [log, `${milliseconds}`, `${port}`]);
  const url = await new Promise<string>((said, failed) => {
    server.onLine(said);
    void server.ended.then(({ errors }) => failed(new Error(errors)));
  });
  return {
    url,
    end: () => {
      server.child.kill();
      return server.ended;
    },
  };
}

/** Everything that a run leaves and that must not depend on how often it was stopped. */
export function remains(run: string): Readonly<Record<string, unknown>> {
  return {
    metrics: readMetrics(join(run, 'metrics.jsonl')).map((report) => ({ ...report, seconds: null })),
    ...hashesOf(join(run, 'checkpoints')),
    ...hashesOf(join(run, 'chains')),
  };
}

function hashesOf(folder: string): Readonly<Record<string, string>> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((file) => join(file.parentPath, file.name));
  return Object.fromEntries(
    paths.sort().map((path) => {
      const hash = createHash('sha256').update(readFileSync(path)).digest('hex');
      return [path.slice(folder.length), hash];
    }),
  );
}

/** The lines of a file, none where there is no file. */
export function linesOf(path: string): readonly string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
}

/** The hashes of the requests whose judgements a run has kept. */
export function keptJudgements(run: string): ReadonlySet<string> {
  const folder = join(run, 'judgements');
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const records = files.flatMap((file) => linesOf(join(folder, file)).map((line) => line.split(' ')[1]!));
  return new Set(records.filter((key) => key !== 'judge'));
}
