import type { ByteAutomaton } from './byte-automaton.ts';
import { NOWHERE } from './byte-automaton.ts';

/** Tokens that may come next, and for each the state it leads to. */
export interface Continuations {
  readonly ids: number[];
  readonly states: number[];
}

/** Tokens as a tree of bytes, laid out in preorder so that a walk is one loop that skips what is not allowed. */
export class TokenTrie {
  private readonly bytes: Uint8Array;
  private readonly depths: Uint16Array;
  /** The node after the subtree of each node. */
  private readonly skips: Int32Array;
  /** Where the tokens of each node begin in `ids`; those of the next node follow. */
  private readonly firsts: Int32Array;
  private readonly ids: readonly number[];
  private readonly depth: number;

  /** Null and empty tokens have no place in a text. */
  constructor(tokens: readonly (Uint8Array | null)[]) {
    // As Latin-1 text, bytes compare several times faster.
    const spelt = tokens.map((token) => (token === null ? '' : Buffer.from(token).toString('latin1')));
    this.ids = Array.from(spelt.keys())
      .filter((id) => spelt[id] !== '')
      .sort((a, b) => (spelt[a]! < spelt[b]! ? -1 : spelt[a]! > spelt[b]! ? 1 : a - b));
    const nodes = layOut(this.ids.map((id) => tokens[id]!));
    this.bytes = Uint8Array.from(nodes, ({ byte }) => byte);
    this.depths = Uint16Array.from(nodes, ({ depth }) => depth);
    this.skips = Int32Array.from(nodes, ({ skip }) => skip);
    this.firsts = Int32Array.from([...nodes.map(({ first }) => first), this.ids.length]);
    this.depth = nodes.reduce((most, { depth }) => Math.max(most, depth), 0);
  }

  /** All tokens that the automaton lets follow a state. */
  walk(automaton: ByteAutomaton, from: number): Continuations {
    const { bytes, depths, skips, firsts, ids } = this;
    const found: Continuations = { ids: [], states: [] };
    const path = new Int32Array(this.depth + 2);
    path[0] = from;
    for (let node = 0; node < bytes.length; ) {
      const depth = depths[node]!;
      const state = automaton.next(path[depth]!, bytes[node]!);
      if (state === NOWHERE) {
        node = skips[node]!;
        continue;
      }
      path[depth + 1] = state;
      for (let token = firsts[node]!; token < firsts[node + 1]!; token++) {
        found.ids.push(ids[token]!);
        found.states.push(state);
      }
      node += 1;
    }
    return found;
  }
}

interface Node {
  readonly byte: number;
  /** Bytes before this one. */
  readonly depth: number;
  readonly first: number;
  skip: number;
}

/** Nodes of sorted tokens in preorder. */
function layOut(tokens: readonly Uint8Array[]): readonly Node[] {
  const nodes: Node[] = [];
  const path: Node[] = [];
  const leave = (depth: number) => {
    for (const node of path.splice(depth)) node.skip = nodes.length;
  };
  tokens.forEach((token, first) => {
    let shared = 0;
    while (shared < path.length && shared < token.length && path[shared]!.byte === token[shared]) shared++;
    leave(shared);
    for (let depth = shared; depth < token.length; depth++) {
      const node = { byte: token[depth]!, depth, first, skip: 0 };
      path.push(node);
      nodes.push(node);
    }
  });
  leave(0);
  return nodes;
}
