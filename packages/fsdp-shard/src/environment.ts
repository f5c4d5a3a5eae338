import { ConfigError } from '@thinkrl/spec';

/** Where this process stands among the others, in PyTorch's convention. */
export interface RankEnvironment {
  readonly rank: number;
  readonly localRank: number;
  readonly worldSize: number;
  readonly masterAddress: string;
  readonly masterPort: number;
  /** Whether this process keeps the store where all meet; under torchrun its agent may do that. */
  readonly serves: boolean;
  /** Keeps this start of the job apart from earlier ones in the same store. */
  readonly prefix: string;
}

/**
 * Reads `RANK`, `LOCAL_RANK`, `WORLD_SIZE`, `MASTER_ADDR` and `MASTER_PORT` as torchrun, Slurm and PyTorchJob set them,
 * and torchrun's own `TORCHELASTIC_USE_AGENT_STORE` and `TORCHELASTIC_RESTART_COUNT`; without them the process is alone.
 *
 * @throws ConfigError when a variable is not a whole number, or the rank is outside the world.
 */
export function rankEnvironment(env: Readonly<Record<string, string | undefined>>): RankEnvironment {
  const worldSize = wholeNumber(env, 'WORLD_SIZE', 1);
  const rank = wholeNumber(env, 'RANK', 0);
  if (worldSize < 1) throw new ConfigError({ field: 'WORLD_SIZE', value: worldSize, fix: 'set at least 1' });
  if (rank >= worldSize) {
    throw new ConfigError({
      field: 'RANK',
      value: rank,
      fix: `use 0 to ${worldSize - 1} in a world of ${worldSize}`,
    });
  }
  return {
    rank,
    worldSize,
    localRank: wholeNumber(env, 'LOCAL_RANK', 0),
    masterAddress: env.MASTER_ADDR ?? '127.0.0.1',
    masterPort: wholeNumber(env, 'MASTER_PORT', 29500),
    serves: rank === 0 && env.TORCHELASTIC_USE_AGENT_STORE !== 'True',
    prefix: `thinkrl/${wholeNumber(env, 'TORCHELASTIC_RESTART_COUNT', 0)}`,
  };
}

function wholeNumber(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  missing: number,
): number {
  const text = env[name];
  if (text === undefined || text === '') return missing;
  if (!/^\d+$/.test(text)) {
    throw new ConfigError({
      field: name,
      value: text,
      fix: 'set a whole number, or leave it unset to run alone',
    });
  }
  return Number(text);
}
