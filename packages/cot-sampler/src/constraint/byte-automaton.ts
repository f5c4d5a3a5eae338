import type { Pattern } from './pattern.ts';
import { PatternGraph } from './pattern-graph.ts';

const UNKNOWN = -2;

/** What {@link ByteAutomaton.next} gives where no text of the pattern goes on. */
export const NOWHERE = -1;

/** A set of places of the graph that the same bytes lead to. */
interface State {
  readonly places: readonly number[];
  /** By byte; filled in when first asked for. `[256]` */
  readonly next: Int32Array;
  /** Fewest bytes to the end of a text; 0 where one may end. */
  readonly distance: number;
}

/**
 * A pattern as a deterministic automaton over bytes whose states are made when they are first reached. Every state lies
 * on the way to some text of the pattern.
 */
export class ByteAutomaton {
  readonly start: number;
  private readonly graph: PatternGraph;
  private readonly distances: Int32Array;
  private readonly states: State[] = [];
  private readonly stateOf = new Map<string, number>();

  /** Throws ConfigError for a pattern that is too large. */
  constructor(pattern: Pattern) {
    this.graph = new PatternGraph(pattern);
    this.distances = this.graph.distances();
    this.start = this.stateAt([this.graph.start]);
  }

  /** The state after one more byte; {@link NOWHERE} when no text of the pattern goes on like that. */
  next(state: number, byte: number): number {
    const { next, places } = this.states[state]!;
    const known = next[byte]!;
    if (known !== UNKNOWN) return known;
    const reached = places.flatMap((place) =>
      this.graph.moves[place]!.flatMap(({ ranges, to }) =>
        ranges.some(([low, high]) => byte >= low && byte <= high) ? [to] : [],
      ),
    );
    next[byte] = reached.length === 0 ? NOWHERE : this.stateAt(reached);
    return next[byte]!;
  }

  /** Fewest bytes until a text may end; 0 where it may end now. */
  distance(state: number): number {
    return this.states[state]!.distance;
  }

  /** Bytes that occur in texts of the pattern, ascending. */
  alphabet(): readonly number[] {
    const used = new Uint8Array(256);
    for (const moves of this.graph.moves)
      for (const { ranges } of moves) for (const [low, high] of ranges) used.fill(1, low, high + 1);
    return Array.from(used.keys()).filter((byte) => used[byte] === 1);
  }

  private stateAt(reached: readonly number[]): number {
    const places = this.closure(reached);
    const name = places.join();
    const known = this.stateOf.get(name);
    if (known !== undefined) return known;
    const distance = places.reduce((least, place) => Math.min(least, this.distances[place]!), Infinity);
    const state = this.states.push({ places, distance, next: new Int32Array(256).fill(UNKNOWN) }) - 1;
    this.stateOf.set(name, state);
    return state;
  }

  /** All places that jumps lead to and that have moves or are the end, ascending. */
  private closure(reached: readonly number[]): readonly number[] {
    const seen = new Set(reached);
    for (const place of seen) for (const to of this.graph.jumps[place]!) seen.add(to);
    const { moves, end } = this.graph;
    return [...seen].filter((place) => place === end || moves[place]!.length > 0).sort((a, b) => a - b);
  }
}
