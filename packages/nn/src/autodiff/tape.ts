import * as tf from '@tensorflow/tfjs-core';

interface TapeState {
  gradientDepth: number;
  kernelDepth: number;
  activeTape: unknown;
}

/** Whether operations are being recorded for a gradient. */
export function recording(): boolean {
  const { gradientDepth, kernelDepth } = tf.engine().state as unknown as TapeState;
  return gradientDepth > 0 && kernelDepth === 0;
}

/** Runs `fn` with the engine's gradient tape put aside; gradients taken inside use a tape of their own. */
export function withoutTape<T>(fn: () => T): T {
  const state = tf.engine().state as unknown as TapeState;
  const { gradientDepth, kernelDepth, activeTape } = state;
  Object.assign(state, { gradientDepth: 0, kernelDepth: 0, activeTape: null });
  try {
    return fn();
  } finally {
    Object.assign(state, { gradientDepth, kernelDepth, activeTape });
  }
}
