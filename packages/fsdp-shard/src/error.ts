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

/** Files of a sharded checkpoint that do not hold what they should. */
export class ShardFileError extends ThinkError {
  readonly code = 'FSDP_FILES';
  /** The file, or the parameter whose values are missing. */
  readonly place: string;

  constructor(place: string, problem: string, options?: ErrorOptions) {
    super(`${place}: ${problem}`, options);
    this.place = place;
  }
}

/** Work that every rank has a part in failed on another one. */
export class OtherRankError extends ThinkError {
  readonly code = 'FSDP_OTHER_RANK';
  readonly rank: number;

  constructor(rank: number, problem: string, options?: ErrorOptions) {
    super(`rank ${rank}: ${problem}`, options);
    this.rank = rank;
  }
}
