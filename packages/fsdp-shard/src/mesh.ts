import { ConfigError } from '@thinkrl/spec';

/** Where a rank stands when ranks share within a node and repeat across nodes. */
export interface Mesh {
  /** The ranks of its node, which share the parameters out. */
  readonly node: readonly number[];
  /** The rank of each node that keeps the same parts. */
  readonly replicas: readonly number[];
}

/**
 * The two parts of the world that a rank belongs to, with `perNode` ranks on each node, numbered node by node.
 *
 * @throws ConfigError when the world is no multiple of it.
 * @example
 * meshOf({ rank: 5, worldSize: 8 }, 4); // node 4, 5, 6, 7; replicas 1, 5
 */
export function meshOf(
  { rank, worldSize }: { readonly rank: number; readonly worldSize: number },
  perNode: number,
): Mesh {
  if (!(Number.isInteger(perNode) && perNode > 0 && worldSize % perNode === 0))
    throw new ConfigError({
      field: 'perNode',
      value: perNode,
      fix: `use a divisor of the world's ${worldSize}`,
    });
  const first = rank - (rank % perNode);
  return {
    node: Array.from({ length: perNode }, (_, i) => first + i),
    replicas: Array.from({ length: worldSize / perNode }, (_, i) => i * perNode + (rank % perNode)),
  };
}
