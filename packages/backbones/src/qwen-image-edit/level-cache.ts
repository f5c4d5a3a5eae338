import * as tf from '@tensorflow/tfjs-core';
import { noGrad } from '@thinkrl/nn';
import type { LevelVectors } from './transformer/transformer.ts';

/** Noise levels kept; a schedule has fewer. */
const CAPACITY = 64;

/**
 * Modulation vectors by noise level. They depend on nothing but the level and frozen weights, and making them reads a third
 * of all weights for one vector: made once, they serve a group, both branches of guidance and every update.
 */
export class LevelCache {
  private readonly make: (level: number) => LevelVectors;
  private readonly kept = new Map<number, LevelVectors>();

  constructor(make: (level: number) => LevelVectors) {
    this.make = make;
  }

  /** The vectors of a level; they stay owned by the cache. */
  at(level: number): LevelVectors {
    const known = this.kept.get(level);
    if (known !== undefined) return known;
    const made = noGrad(
      () => tf.tidy(() => this.make(level) as unknown as tf.TensorContainer) as unknown as LevelVectors,
    );
    for (const tensor of tensorsOf(made)) tf.keep(tensor);
    if (this.kept.size === CAPACITY) this.drop(this.kept.keys().next().value!);
    this.kept.set(level, made);
    return made;
  }

  /** Releases everything, such as after weights have changed. */
  dispose(): void {
    for (const level of [...this.kept.keys()]) this.drop(level);
  }

  private drop(level: number): void {
    tf.dispose(tensorsOf(this.kept.get(level)!));
    this.kept.delete(level);
  }
}

function tensorsOf({ blocks, output }: LevelVectors): tf.Tensor[] {
  return [output, ...new Set(blocks.flatMap(({ text, noisy, references }) => [text, noisy, references]))];
}
