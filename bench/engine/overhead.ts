import * as tf from '@tensorflow/tfjs-core';
import { median } from '../median.ts';

const OPERATIONS = 200;
const RUNS = 300;

/** Microseconds per operation on a tensor so small that only the way there counts. */
export interface Overhead {
  /** Forward alone. */
  readonly plain: number;
  /** Forward and backward, per recorded operation and its gradient. */
  readonly taped: number;
}

/** Times chains of negations, without and with a tape. */
export function overhead(): Overhead {
  const x = tf.ones([2, 2]);
  const chain = (start: tf.Tensor) => {
    let y = start;
    for (let i = 0; i < OPERATIONS; i++) y = tf.neg(y);
    return y;
  };
  const slope = tf.grad((value: tf.Tensor) => tf.sum(chain(value)));
  const figures = {
    plain: cost(() => tf.tidy(() => chain(x)), OPERATIONS),
    taped: cost(() => slope(x), 2 * OPERATIONS),
  };
  x.dispose();
  return figures;
}

function cost(run: () => tf.Tensor, operations: number): number {
  const times = Array.from({ length: RUNS }, () => {
    const start = performance.now();
    run().dispose();
    return ((performance.now() - start) / operations) * 1e3;
  });
  return median(times);
}
