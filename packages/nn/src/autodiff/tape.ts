import * as tf from '@tensorflow/tfjs-core';

interface TapeState {
  gradientDepth: number;
  kernelDepth: number;
  activeTape: TapeNode[] | null;
}

/** One operation as tfjs records it: `gradient` takes the slopes of the outputs to those of the inputs, by name. */
export interface TapeNode {
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly outputs: readonly tf.Tensor[];
  readonly saved?: readonly tf.Tensor[];
}

/** An operation to be recorded. */
export interface RecordedOperation {
  readonly name: string;
  readonly inputs: readonly tf.Tensor[];
  readonly outputs: readonly tf.Tensor[];
  /** Slopes of the inputs, in their order, from those of the outputs; only those of `wanted` inputs are asked for. */
  readonly gradient: (
    slopes: readonly tf.Tensor[],
    wanted: ReadonlySet<tf.Tensor>,
  ) => readonly (() => tf.Tensor)[];
}

/** Whether operations are being recorded for a gradient. */
export function recording(): boolean {
  const { gradientDepth, kernelDepth } = tapeState();
  return gradientDepth > 0 && kernelDepth === 0;
}

/** Runs `fn` with the engine's gradient tape put aside; gradients taken inside use a tape of their own. */
export function withoutTape<T>(fn: () => T): T {
  return withState({ gradientDepth: 0, kernelDepth: 0, activeTape: null }, fn);
}

/** Runs `fn` with a tape of its own in place of the engine's; the tape is the caller's to replay or to discard. */
export function onOwnTape<T>(fn: () => T): { readonly result: T; readonly tape: readonly TapeNode[] } {
  const tape: TapeNode[] = [];
  return { result: withState({ gradientDepth: 1, kernelDepth: 0, activeTape: tape }, fn), tape };
}

/** Puts recorded operations at the end of the active tape. */
export function resumeTape(tape: readonly TapeNode[]): void {
  tapeState().activeTape!.push(...tape);
}

/** Frees what a tape keeps for its gradients. */
export function discardTape(tape: readonly TapeNode[]): void {
  for (const { saved = [] } of tape) tf.dispose([...saved]);
}

/** Records an operation on the active tape. */
export function record({ name, inputs, outputs, gradient }: RecordedOperation): void {
  const named = Object.fromEntries(inputs.map((input, index) => [index, input]));
  let wanted: ReadonlySet<tf.Tensor> = new Set(inputs);
  const backwards = (slopes: tf.Tensor | tf.Tensor[]) => ({
    ...gradient(Array.isArray(slopes) ? slopes : [slopes], wanted),
  });
  const engine = tf.engine() as unknown as { addTapeNode(...node: unknown[]): void };
  engine.addTapeNode(name, named, [...outputs], backwards, []);
  const node = tapeState().activeTape!.at(-1) as Differentiable;
  const { gradient: whole } = node;
  // tfjs calls it as a method of a copy of the node that has only those inputs that lead to what is differentiated by.
  node.gradient = function (this: TapeNode, slopes) {
    wanted = new Set(Object.values(this.inputs));
    return whole.call(this, slopes);
  };
}

type Differentiable = TapeNode & {
  gradient: (this: TapeNode, slopes: readonly tf.Tensor[]) => Readonly<Record<string, () => tf.Tensor>>;
};

/** The number after those of all tensors so far. */
export function nextTensorId(): number {
  return (tf.engine() as unknown as { nextTensorId(): number }).nextTensorId();
}

function tapeState(): TapeState {
  return tf.engine().state as unknown as TapeState;
}

function withState<T>(inside: TapeState, fn: () => T): T {
  const state = tapeState();
  const { gradientDepth, kernelDepth, activeTape } = state;
  const { gradientDepth: depth, kernelDepth: kernels, activeTape: tape } = inside;
  Object.assign(state, { gradientDepth: depth, kernelDepth: kernels, activeTape: tape });
  try {
    return fn();
  } finally {
    Object.assign(state, { gradientDepth, kernelDepth, activeTape });
  }
}
