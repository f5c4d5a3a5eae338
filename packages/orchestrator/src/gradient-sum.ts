import { add, dispose, type Tensor } from '@tensorflow/tfjs-core';

/** Gradients of several backward passes, added up by parameter name. */
export class GradientSum {
  private readonly sums = new Map<string, Tensor>();

  /** Hands the sums over. */
  take(): ReadonlyMap<string, Tensor> {
    const sums = new Map(this.sums);
    this.sums.clear();
    return sums;
  }

  /** Adds the gradients of a pass, which are taken over. A parameter that a pass does not depend on counts as 0. */
  add(gradients: ReadonlyMap<string, Tensor>): void {
    for (const [name, gradient] of gradients) {
      const before = this.sums.get(name);
      this.sums.set(name, before === undefined ? gradient : add(before, gradient));
      if (before !== undefined) dispose([before, gradient]);
    }
  }

  /** Releases what was not taken. */
  dispose(): void {
    dispose([...this.sums.values()]);
    this.sums.clear();
  }
}
