import * as tf from '@tensorflow/tfjs-core';
import {
  discardTape,
  nextTensorId,
  onOwnTape,
  record,
  recording,
  resumeTape,
  type TapeNode,
  withoutTape,
} from './tape.ts';

/** A computation whose gradient is taken as a whole, with a word before and after. */
export interface Enclosure<Result> {
  run(): Result;
  /** Variables that `run` uses and whose gradients stay inside; one that is not trainable gets none anywhere. */
  readonly owned: ReadonlySet<tf.Variable>;
  /** A scalar that the surrounding gradient is taken by; it gets a gradient of 0 and makes sure that this one is reached. */
  readonly anchor: tf.Variable;
  /**
   * The backward pass has come to this computation: `replay`, once, gives the gradients by the owned variables (none for
   * one that was not used), which are the caller's to dispose.
   */
  backward(replay: () => ReadonlyMap<tf.Variable, tf.Tensor>): void;
  /** Is told how to free what was kept for the backward pass, in case that never comes. */
  recorded?(discard: () => void): void;
}

/**
 * Runs a computation as one operation of the surrounding tape: it is recorded on a tape of its own, which is replayed when
 * the backward pass comes to it. Gradients by whatever it uses from outside flow on; those by its owned variables go to
 * `backward`. Without a tape it just runs.
 */
export function enclose<Result>(call: Enclosure<Result>): Result {
  if (!recording()) return call.run();
  const firstInside = nextTensorId();
  const { result, tape } = onOwnTape(() => call.run());
  const { made, used } = borders(tape, firstInside);
  const leaves = used.filter((tensor) => call.owned.has(tensor as tf.Variable)) as tf.Variable[];
  const outside = used.filter((tensor) => !call.owned.has(tensor as tf.Variable) && tensor !== call.anchor);
  const inputs = [...outside, call.anchor];
  const outputs = [...new Set(tensorsIn(result))].filter((tensor) => made.has(tensor.id));
  let pending = true;
  const gradient = (slopes: readonly tf.Tensor[], wanted: ReadonlySet<tf.Tensor>) => {
    const flows = new Map<tf.Tensor, tf.Tensor>();
    call.backward(() => {
      pending = false;
      const by = [...inputs.filter((input) => wanted.has(input)), ...leaves];
      const grads = replay(tape, { outputs, slopes, by });
      const own = new Map<tf.Variable, tf.Tensor>();
      by.forEach((tensor, index) => {
        const slope = grads[index];
        if (slope == null) return;
        if (call.owned.has(tensor as tf.Variable)) own.set(tensor as tf.Variable, slope);
        else flows.set(tensor, slope);
      });
      return own;
    });
    return inputs.map((input) => () => flows.get(input) ?? tf.zeros(input.shape));
  };
  record({ name: 'Enclosed', inputs, outputs, gradient });
  call.recorded?.(() => {
    if (pending) discardTape(tape);
    pending = false;
  });
  return result;
}

/** Tensors that a tape makes, by id, and those that it uses and that were there before. */
function borders(tape: readonly TapeNode[], firstInside: number) {
  const made = new Set<number>();
  const used = new Map<number, tf.Tensor>();
  for (const { inputs, outputs } of tape) {
    for (const input of Object.values<tf.Tensor | readonly tf.Tensor[]>(inputs).flat()) {
      const old = input.id < firstInside && !made.has(input.id);
      if (old && differentiable(input)) used.set(input.id, input);
    }
    for (const output of outputs) made.add(output.id);
  }
  return { made, used: [...used.values()] };
}

/** Frozen variables and what is not float32 get no gradient. */
function differentiable(input: tf.Tensor): boolean {
  return input.dtype === 'float32' && !(input instanceof tf.Variable && !input.trainable);
}

interface Replay {
  readonly outputs: readonly tf.Tensor[];
  readonly slopes: readonly tf.Tensor[];
  readonly by: readonly tf.Tensor[];
}

/** The gradients of a recorded tape by `by`, from the slopes of its outputs. */
function replay(
  tape: readonly TapeNode[],
  { outputs, slopes, by }: Replay,
): readonly (tf.Tensor | null | undefined)[] {
  const resumed = () => {
    const end = tf.scalar(0);
    resumeTape(tape);
    const gradient = () => slopes.map((slope) => () => slope.clone());
    record({ name: 'EnclosedEnd', inputs: outputs, outputs: [end], gradient });
    return end;
  };
  const { value, grads } = withoutTape(() => tf.engine().gradients(resumed, [...by], undefined, true));
  value.dispose();
  return grads;
}

/** Every float32 tensor in a tensor, list or plain record. */
function tensorsIn(container: unknown): readonly tf.Tensor[] {
  if (container instanceof tf.Tensor) return container.dtype === 'float32' ? [container] : [];
  if (typeof container !== 'object' || container === null) return [];
  return Object.values(container).flatMap(tensorsIn);
}
