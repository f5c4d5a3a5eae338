import type * as tf from '@tensorflow/tfjs-core';
import { gatedSilu, Linear, Module } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';

/** Settings of {@link unsetLinear}. */
export interface UnsetLinearOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly bias: boolean;
}

const NO_KEY = Key.of(0);

/** A linear layer that takes no storage until its weights are loaded. */
export function unsetLinear(options: UnsetLinearOptions): Linear {
  return new Linear({ ...options, start: 'unset', key: NO_KEY });
}

/** Settings of a {@link GatedFeedForward}. */
export interface GatedFeedForwardOptions {
  readonly width: number;
  readonly inner: number;
  readonly bias: boolean;
}

/** `down(silu(gate(x)) · up(x))` (Shazeer 2020); parts `gate_proj`, `up_proj`, `down_proj`. */
export class GatedFeedForward extends Module {
  readonly gate: Linear;
  readonly up: Linear;
  readonly down: Linear;

  constructor({ width, inner, bias }: GatedFeedForwardOptions) {
    super();
    this.gate = this.child('gate_proj', unsetLinear({ inputs: width, outputs: inner, bias }));
    this.up = this.child('up_proj', unsetLinear({ inputs: width, outputs: inner, bias }));
    this.down = this.child('down_proj', unsetLinear({ inputs: inner, outputs: width, bias }));
  }

  /** `x [..., width]` to the same shape. */
  forward<T extends tf.Tensor>(x: T): T {
    return this.down.forward(gatedSilu(this.gate.forward(x), this.up.forward(x)));
  }
}
