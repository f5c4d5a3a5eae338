import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { CacheUsage } from '@thinkrl/checklist-reward/cache';
import { Key } from '@thinkrl/spec';
import { startFaultyServer } from './faulty-server.ts';

/** Settings of {@link interruptedRun}. */
export interface InterruptedRunOptions {
  readonly judgements: number;
  /** How often the run is killed, at moments drawn by the seed. */
  readonly kills: number;
  readonly seed: number;
  /** Time that an answer takes, in ms. */
  readonly latency: number;
  /** Answers that the server remembers by idempotency key; 0 for a server that does not know what that is. */
  readonly remember: number;
}

/** What a run came to that was killed again and again, and begun again each time. */
export interface InterruptedRun {
  /** Of the last run, which came to its end. */
  readonly last: CacheUsage & { readonly wrong: number };
  /** What a further run asked of the server: nothing, where all is kept. */
  readonly askedAfterwards: number;
  /** Judgements that the model was never asked for. */
  readonly neverAsked: number;
  /** Judgements that the model was asked for more than once. */
  readonly askedTwice: number;
  /** Processes that were killed. */
  readonly killed: number;
}

/**
 * Judges through a cache in a process that is killed (SIGKILL) at random moments and begun again, against a server that
 * outlives it and counts what its model is asked.
 */
export async function interruptedRun(options: InterruptedRunOptions): Promise<InterruptedRun> {
  const { judgements, kills, seed, latency, remember } = options;
  const counts = new Array<number>(judgements).fill(0);
  const moments = killMoments(options);
  let asked = 0;
  let killed = 0;
  let child: ChildProcess | undefined;
  const onAsked = (index: number) => {
    counts[index]! += 1;
    asked += 1;
    const { after, wait } = moments[killed] ?? { after: Number.POSITIVE_INFINITY, wait: 0 };
    if (asked < after) return;
    killed += 1;
    const victim = child;
    setTimeout(() => victim?.kill('SIGKILL'), wait);
  };
  const server = await startFaultyServer({ rate: 0, latency, seed, remember, onAsked });
  const folder = mkdtempSync(join(tmpdir(), 'interrupted-'));
  const run = async () => {
    child = begin([server.url, folder, `${judgements}`]);
    const [[code], output] = await Promise.all([once(child, 'exit'), text(child.stdout!)]);
    return code === 0 ? (JSON.parse(output) as InterruptedRun['last']) : null;
  };
  try {
    let last = await run();
    for (let begun = 1; last === null && begun <= kills; begun++) last = await run();
    if (last === null) throw new Error('the run fails without being killed');
    const askedAfterwards = (await run())?.asked ?? Number.NaN;
    return {
      last,
      askedAfterwards,
      neverAsked: counts.filter((count) => count === 0).length,
      askedTwice: counts.filter((count) => count > 1).length,
      killed,
    };
  } finally {
    child?.kill('SIGKILL');
    await server.close();
    rmSync(folder, { recursive: true });
  }
}

/** After how many questions to kill, and how many ms later: anywhere between two questions. */
function killMoments({ judgements, kills, seed, latency }: InterruptedRunOptions) {
  const stream = Key.of(seed).fold('kills').stream();
  return Array.from({ length: kills }, () => ({
    after: 1 + stream.integer(judgements - 1),
    wait: stream.uniform() * (latency + 5),
  })).sort((a, b) => a.after - b.after);
}

function begin(words: readonly string[]): ChildProcess {
  const script = fileURLToPath(new URL('cached-run.ts', import.meta.url));
  const loader = ['--import', 'tsx', '--conditions=@thinkrl/source'];
  return spawn(process.execPath, [...loader, script, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}
