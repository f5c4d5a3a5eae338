import * as tf from '@tensorflow/tfjs-core';

/** Marks a column that belongs to nobody. */
const NOBODY = -1;

/**
 * One row of tokens that several texts share: a root, the prompt, from which branches go, one per chain, and branches
 * from those. A token sees what is before it in its own branch and in those it came from, so a prompt is computed and
 * kept once for all chains of a group.
 */
export class SharedRow {
  private readonly parents: number[] = [NOBODY];
  private readonly owners: number[] = [];

  /** Columns in use. */
  get length(): number {
    return this.owners.length;
  }

  /** A new branch from `parent`; the root is branch 0. */
  branch(parent: number): number {
    return this.parents.push(parent) - 1;
  }

  /** Whether every column sees all before it: no branch goes off beside another, and nothing lies between columns. */
  get isPath(): boolean {
    const { owners, parents } = this;
    const used = owners.slice(0, owners.findLastIndex((owner) => owner !== NOBODY) + 1);
    return used.every((owner, i) => {
      const before = used[i - 1];
      return before === undefined || owner === before || (owner !== NOBODY && parents[owner] === before);
    });
  }

  /** Adds columns of a branch. */
  append(branch: number, count: number): void {
    for (let i = 0; i < count; i++) this.owners.push(branch);
  }

  /** Adds columns without tokens until there are `length`. */
  pad(length: number): void {
    this.append(NOBODY, length - this.length);
  }

  /** Forgets the columns from `length` on. */
  truncate(length: number): void {
    this.owners.length = Math.min(this.owners.length, length);
  }

  /** Writes which of the columns each of the last `targets` sees: `[targets, length]` from `offset` on, row-major. */
  writeVisible(visible: Uint8Array, offset: number, targets: number): void {
    const { owners } = this;
    const first = owners.length - targets;
    for (let target = 0; target < targets; target++) {
      const seen = this.ancestors(owners[first + target]!);
      const start = offset + target * owners.length;
      for (let column = 0; column <= first + target; column++)
        visible[start + column] = seen[owners[column]! + 1]!;
    }
  }

  /** Whether a branch is one that `branch` came from, at index branch + 1; nobody sees and is seen by nobody. */
  private ancestors(branch: number): Uint8Array {
    const seen = new Uint8Array(this.parents.length + 1);
    for (let at = branch; at !== NOBODY; at = this.parents[at]!) seen[at + 1] = 1;
    return seen;
  }
}

/** Who sees whom, for the last `targets` columns of rows of one length: bool `[rows, 1, targets, length]`. */
export function visibility(rows: readonly SharedRow[], targets: number): tf.Tensor4D {
  const { length } = rows[0]!;
  const visible = new Uint8Array(rows.length * targets * length);
  rows.forEach((row, i) => {
    row.writeVisible(visible, i * targets * length, targets);
  });
  return tf.tensor4d(visible, [rows.length, 1, targets, length], 'bool');
}
