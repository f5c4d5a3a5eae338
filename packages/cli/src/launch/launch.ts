import { setTimeout as sleep } from 'node:timers/promises';
import { describeEnd, type RankEnd, type RankProcess, startRank } from './rank-process.ts';

/** A job of several processes. */
export interface LaunchOptions {
  /** The program and its arguments, the same for every rank. */
  readonly command: readonly string[];
  /** Processes on this machine. */
  readonly processes: number;
  /** Machines of the job, and which of them this is. */
  readonly nodes: number;
  readonly node: number;
  /** Where rank 0 is reached. */
  readonly address: string;
  readonly port: number;
  /** Seconds that the other ranks have to end by themselves, and again after being asked, once one has failed. */
  readonly graceSeconds: number;
  readonly onLine: (rank: number, line: string, stream: 'stdout' | 'stderr') => void;
  /** Is told of the first failure. */
  readonly onFailure: (cause: string) => void;
  /** Asks the job to end. */
  readonly signal?: AbortSignal;
  /** Ends it without asking. */
  readonly insistence?: AbortSignal;
}

/**
 * Starts the processes of a job on this machine with the variables that torchrun sets, and sees them through: when one
 * fails, the others get time to end, then SIGTERM, then SIGKILL, so that no rank waits for one that is gone. Resolves
 * to the first failure, null when all ranks ended well.
 */
export async function launch(options: LaunchOptions): Promise<RankEnd | null> {
  const { processes, node } = options;
  const ranks = Array.from({ length: processes }, (_, local) =>
    startLocal(options, node * processes + local, local),
  );
  const askAll = () => endAll(ranks, options.graceSeconds);
  const killAll = () => {
    for (const rank of ranks) rank.kill('SIGKILL');
  };
  options.signal?.addEventListener('abort', askAll, { once: true });
  options.insistence?.addEventListener('abort', killAll, { once: true });
  const failure = await firstFailure(ranks);
  if (failure !== null && !options.signal?.aborted) {
    options.onFailure(describeEnd(failure));
    await Promise.race([allEnded(ranks), sleep(1000 * options.graceSeconds, undefined, { ref: false })]);
    await askAll();
  }
  await allEnded(ranks);
  options.signal?.removeEventListener('abort', askAll);
  options.insistence?.removeEventListener('abort', killAll);
  return failure;
}

function startLocal(options: LaunchOptions, rank: number, local: number): RankProcess {
  const { command, processes, nodes, address, port, onLine } = options;
  const env = {
    RANK: `${rank}`,
    LOCAL_RANK: `${local}`,
    LOCAL_WORLD_SIZE: `${processes}`,
    WORLD_SIZE: `${nodes * processes}`,
    MASTER_ADDR: address,
    MASTER_PORT: `${port}`,
  };
  return startRank({ rank, command, env, onLine: (line, stream) => onLine(rank, line, stream) });
}

/** The first rank that ends badly; null once all have ended well. */
function firstFailure(ranks: readonly RankProcess[]): Promise<RankEnd | null> {
  return new Promise((resolve) => {
    for (const { ended } of ranks)
      void ended.then((end) => {
        if (end.status !== 0) resolve(end);
      });
    void allEnded(ranks).then(() => resolve(null));
  });
}

function allEnded(ranks: readonly RankProcess[]): Promise<unknown> {
  return Promise.all(ranks.map(({ ended }) => ended));
}

/** Asks every rank to end, and makes those end that do not. */
async function endAll(ranks: readonly RankProcess[], graceSeconds: number): Promise<void> {
  for (const rank of ranks) rank.kill('SIGTERM');
  const patience = sleep(1000 * graceSeconds, 'over', { ref: false });
  const outcome = await Promise.race([allEnded(ranks), patience]);
  if (outcome === 'over') for (const rank of ranks) rank.kill('SIGKILL');
}
