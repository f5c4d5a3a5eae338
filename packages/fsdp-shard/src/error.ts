import { ThinkError } from '@thinkrl/spec';

/** A sharded module was used in a way that ranks cannot follow. */
export class ShardError extends ThinkError {
  readonly code = 'FSDP_SHARD';
}

/** The ranks no longer hold the same values; training on would be of no use. */
export class RankDivergenceError extends ThinkError {
  readonly code = 'FSDP_DIVERGED';
  /** Fingerprint of each rank. */
  readonly fingerprints: readonly number[];

  constructor(fingerprints: readonly number[], options?: ErrorOptions) {
    super(`the ranks hold different parameters: fingerprints ${fingerprints.join(', ')}`, options);
    this.fingerprints = fingerprints;
  }
}
