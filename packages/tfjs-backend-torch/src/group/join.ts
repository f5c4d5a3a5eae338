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
