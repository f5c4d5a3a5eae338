import type { Network, RunOptions } from '../network.ts';
import type { Signature } from '../seat.ts';
import type { Feeds } from '../tensor.ts';

/** What a {@link fakeNetwork} computes, and the names of what goes in and comes out. */
export interface FakeNetworkOptions extends Signature {
  readonly run: (feeds: Feeds) => Feeds;
}

/** A network that remembers what it was fed. */
export interface FakeNetwork extends Network {
  readonly fed: readonly Feeds[];
}

/**
 * A network for tests, computed by a function, without threads and without onnxruntime-node.
 *
 * @example
 * const network = fakeNetwork({ inputs: ['x'], outputs: ['y'], run: ({ x }) => ({ y: x! }) });
 */
export function fakeNetwork({ inputs, outputs, run }: FakeNetworkOptions): FakeNetwork {
  const fed: Feeds[] = [];
  return {
    inputs,
    outputs,
    workers: 1,
    fingerprint: 'fake',
    fed,
    async run(feeds, { signal }: RunOptions = {}) {
      signal?.throwIfAborted();
      fed.push(feeds);
      return run(feeds);
    },
    async close() {},
  };
}
