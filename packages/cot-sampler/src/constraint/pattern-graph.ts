import { ConfigError } from '@thinkrl/spec';
import type { ByteRange, Pattern } from './pattern.ts';

const MOST_PLACES = 500_000;

/** A byte in `ranges` leads to the place `to`. */
export interface Move {
  readonly ranges: readonly ByteRange[];
  readonly to: number;
}

/** A pattern as a non-deterministic automaton (Thompson): places, moves by a byte and jumps by nothing. */
export class PatternGraph {
  readonly start: number;
  readonly end: number;
  /** Moves from each place. */
  readonly moves: Move[][] = [];
  /** Jumps from each place. */
  readonly jumps: number[][] = [];

  /** Throws ConfigError for a pattern whose bounds multiply to more than half a million places. */
  constructor(pattern: Pattern) {
    this.start = this.place();
    this.end = this.add(pattern, this.start);
  }

  /** Fewest bytes from each place to the end. */
  distances(): Int32Array {
    const distance = new Int32Array(this.moves.length).fill(-1);
    const { movesTo, jumpsTo } = this.reversed();
    let level = [this.end];
    for (let bytes = 0; level.length > 0; bytes++) {
      const reached: number[] = [];
      for (const waiting = [...level]; waiting.length > 0; ) {
        const place = waiting.pop()!;
        if (distance[place] !== -1) continue;
        distance[place] = bytes;
        reached.push(place);
        waiting.push(...jumpsTo[place]!);
      }
      level = reached.flatMap((place) => movesTo[place]!);
    }
    return distance;
  }

  private place(): number {
    if (this.moves.length === MOST_PLACES)
      throw new ConfigError({
        field: 'pattern',
        value: `more than ${MOST_PLACES} places`,
        fix: 'use smaller bounds: those of nested repeats multiply',
      });
    this.jumps.push([]);
    return this.moves.push([]) - 1;
  }

  /** Adds a pattern that begins at `from`; returns the place where it has ended. Nothing ever leads back to `from`. */
  private add(pattern: Pattern, from: number): number {
    switch (pattern.kind) {
      case 'byte': {
        const to = this.place();
        this.moves[from]!.push({ ranges: pattern.ranges, to });
        return to;
      }
      case 'sequence':
        return pattern.parts.reduce((at, part) => this.add(part, at), from);
      case 'choice': {
        const ends = pattern.options.map((option) => this.add(option, from));
        return this.join(ends);
      }
      case 'repeat':
        return this.addRepeat(pattern, from);
      default:
        return pattern satisfies never;
    }
  }

  private addRepeat({ pattern, least, most }: Pattern & { kind: 'repeat' }, from: number): number {
    let at = from;
    for (let times = 0; times < least; times++) at = this.add(pattern, at);
    if (most === Number.POSITIVE_INFINITY) {
      const again = this.join([at]);
      this.jumps[this.add(pattern, again)]!.push(again);
      return again;
    }
    const ends = [at];
    for (let times = least; times < most; times++) {
      at = this.add(pattern, at);
      ends.push(at);
    }
    return this.join(ends);
  }

  /** A new place that all of these jump to. */
  private join(ends: readonly number[]): number {
    const to = this.place();
    for (const end of ends) this.jumps[end]!.push(to);
    return to;
  }

  private reversed() {
    const movesTo = this.moves.map((): number[] => []);
    const jumpsTo = this.moves.map((): number[] => []);
    this.moves.forEach((moves, from) => {
      for (const { to } of moves) movesTo[to]!.push(from);
    });
    this.jumps.forEach((jumps, from) => {
      for (const to of jumps) jumpsTo[to]!.push(from);
    });
    return { movesTo, jumpsTo };
  }
}
