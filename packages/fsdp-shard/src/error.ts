import { ThinkError } from '@thinkrl/spec';

/** A sharded module was used in a way that ranks cannot follow. */
export class ShardError extends ThinkError {
  readonly code = 'FSDP_SHARD';
}

/** What {@link RankDivergenceError} says. */
export interface Divergence {
  /** Of each rank's parameters. */
  readonly fingerprints: readonly number[];
  /** The ranks that the fingerprints are of; 0 and up unless given. */
  readonly keepers?: readonly number[];
  /** The first parameter that is not the same everywhere. */
  readonly parameter: string | null;
}

/** The ranks no longer hold the same values; training on would be of no use. */
export class RankDivergenceError extends ThinkError {
  readonly code = 'FSDP_DIVERGED';
  readonly fingerprints: readonly number[];
  readonly parameter: string | null;
  /** The ranks that differ from most; all of them where no value is that of most. */
  readonly ranks: readonly number[];

  constructor(divergence: Divergence, options?: ErrorOptions) {
    const { fingerprints, parameter, keepers = [...fingerprints.keys()] } = divergence;
    const ranks = oddRanks(fingerprints).map((index) => keepers[index]!);
    const who = `${ranks.length === 1 ? 'rank' : 'ranks'} ${ranks.join(', ')}`;
    const from = ranks.length === fingerprints.length ? 'among themselves' : 'from the others';
    const first = parameter === null ? '' : `, first in ${parameter}`;
    const shown = keepers.map((rank, i) => `${rank}: ${fingerprints[i]}`);
    super(
      `the parameters of ${who} differ ${from}${first}; fingerprints by rank: ${shown.join(', ')}`,
      options,
    );
    this.fingerprints = fingerprints;
    this.parameter = parameter;
    this.ranks = ranks;
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

function oddRanks(fingerprints: readonly number[]): readonly number[] {
  const ranks = [...fingerprints.keys()];
  const usual = fingerprints.find(
    (value) => 2 * fingerprints.filter((other) => other === value).length > fingerprints.length,
  );
  return usual === undefined ? ranks : ranks.filter((rank) => fingerprints[rank] !== usual);
}
