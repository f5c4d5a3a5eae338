import { ConfigError } from '@thinkrl/spec';
import { TorchGroupError } from '../error.ts';
import { native } from '../storage.ts';
import { nextNumber } from './number.ts';
import { groupError, TorchProcessGroup } from './process-group.ts';

/** Who this process is and where the processes meet. */
export interface GroupOptions {
  readonly rank: number;
  readonly worldSize: number;
  readonly masterAddress: string;
  readonly masterPort: number;
  /** Whether this process keeps the store at that address; rank 0 does unless given. */
  readonly serves?: boolean;
  /** Keeps groups apart that meet at the same store. */
  readonly prefix?: string;
  /** Seconds after which a rank that does not answer fails the group; 300 unless given. */
  readonly timeoutSeconds?: number;
}

/** Why this build cannot join a group, with what to install; empty when it can. */
export function lackOfCollectives(): string {
  return native().lackOfCollectives();
}

/**
 * Joins the processes that meet at an address: over Gloo, or over NCCL when the engine's device is a GPU. Resolves when
 * all have come. The event loop goes on meanwhile.
 *
 * @throws TorchGroupError when some rank does not come in time, or libtorch has no c10d.
 * @throws ConfigError for a rank outside the world.
 * @example
 * const group = await joinGroup({ rank: 0, worldSize: 2, masterAddress: '127.0.0.1', masterPort: 29500 });
 */
export async function joinGroup(options: GroupOptions): Promise<TorchProcessGroup> {
  const { rank, worldSize, timeoutSeconds = 300 } = options;
  if (!(Number.isInteger(rank) && rank >= 0 && rank < worldSize))
    throw new ConfigError({ field: 'rank', value: rank, fix: `use 0 to ${worldSize - 1}` });
  if (!(timeoutSeconds > 0))
    throw new ConfigError({ field: 'timeoutSeconds', value: timeoutSeconds, fix: 'use a positive number' });
  const lack = lackOfCollectives();
  if (lack !== '') throw new TorchGroupError(lack);
  const number = nextNumber();
  try {
    await native().joinGroup(number, {
      rank,
      worldSize,
      address: options.masterAddress,
      port: worldSize === 1 ? 0 : options.masterPort, // alone, any free one will do
      serves: options.serves ?? rank === 0,
      prefix: options.prefix ?? 'thinkrl',
      timeoutMilliseconds: Math.ceil(1000 * timeoutSeconds),
    });
  } catch (cause) {
    throw groupError(cause);
  }
  return new TorchProcessGroup(number, options);
}

/**
 * Joins some ranks of a world that has been joined, at the same store: a group of their own, in which they are numbered by
 * their place in `ranks`. Each of them calls it, with the world's options and the same list.
 *
 * A part may be joined again and again.
 *
 * @throws TorchGroupError when one does not come in time.
 * @throws ConfigError for a rank that is not in the list.
 * @example
 * const world = await joinGroup(options);
 * const node = await joinPart(options, [0, 1]);
 */
export async function joinPart(options: GroupOptions, ranks: readonly number[]): Promise<TorchProcessGroup> {
  const rank = ranks.indexOf(options.rank);
  if (rank < 0)
    throw new ConfigError({ field: 'ranks', value: ranks, fix: `list rank ${options.rank}, which joins` });
  const { serves: _, prefix = 'thinkrl', ...where } = options;
  const place = { ...where, rank, worldSize: ranks.length };
  if (ranks.length === 1) return joinGroup(place);
  return joinGroup({
    ...place,
    serves: false,
    prefix: `${prefix}/ranks ${ranks.join(' ')}/${turn(options, ranks)}`,
  });
}

const turns = new Map<string, number>();

/** How often this rank has joined a part before: what the store keeps of an earlier group must not be taken for new. */
function turn({ rank, masterAddress, masterPort, prefix }: GroupOptions, ranks: readonly number[]): number {
  const part = JSON.stringify([masterAddress, masterPort, prefix, rank, ranks]);
  const before = turns.get(part) ?? 0;
  turns.set(part, before + 1);
  return before;
}
