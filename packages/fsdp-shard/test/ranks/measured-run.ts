import * as tf from '@tensorflow/tfjs-core';
import { engineMemory, resetEnginePeak } from '@thinkrl/engine';
import { type AdamW, clipScale } from '@thinkrl/nn';
import type { Outcome, Plan } from './plan.ts';

/** One step's gradients with the loss and norm of the whole batch. */
export interface Step {
  readonly loss: number;
  readonly norm: number;
  readonly gradients: ReadonlyMap<string, tf.Tensor>;
}

/** What differs between a sharded and a plain run. */
export interface Contender {
  readonly optimizer: AdamW;
  step(index: number): Promise<Step>;
  receivedBytes(): number;
}

/** Takes the plan's steps and measures them. */
export async function measuredRun(
  plan: Plan,
  contender: Contender,
): Promise<Omit<Outcome, 'parameters' | 'parameterBytes' | 'largestUnitBytes'>> {
  const losses: number[] = [];
  const norms: number[] = [];
  const received: number[] = [];
  let tensors = 0;
  let gradientBytes = 0;
  let started = performance.now();
  for (let index = 0; index < plan.steps; index++) {
    if (index === (plan.warm ?? 0)) started = performance.now();
    if (index === plan.steps - 1) resetEnginePeak();
    const before = contender.receivedBytes();
    const { loss, norm, gradients } = await contender.step(index);
    received.push(contender.receivedBytes() - before);
    gradientBytes = [...gradients.values()].reduce((sum, { size }) => sum + 4 * size, 0);
    contender.optimizer.step(gradients, { gradientScale: clipScale(norm, 1) });
    tf.dispose([...gradients.values()]);
    losses.push(loss);
    norms.push(norm);
    if (index === 0) tensors = tf.memory().numTensors;
  }
  const secondsPerStep = (performance.now() - started) / 1000 / (plan.steps - (plan.warm ?? 0));
  const { peakBytes, allocatedBytes: restBytes } = engineMemory();
  const leaked = tf.memory().numTensors - tensors;
  return { losses, norms, received, peakBytes, restBytes, gradientBytes, secondsPerStep, leaked };
}

/** Values of parameters by name. */
export async function valuesOf(parameters: ReadonlyMap<string, tf.Tensor>): Promise<Outcome['parameters']> {
  const values: Record<string, number[]> = {};
  for (const [name, tensor] of parameters) values[name] = [...(await tensor.data())];
  return values;
}

/** The parameters that a plan trains. */
export function trainedBy<T extends tf.Tensor>(
  { trainable = '' }: Plan,
  parameters: ReadonlyMap<string, T>,
): ReadonlyMap<string, T> {
  return new Map([...parameters].filter(([name]) => new RegExp(trainable).test(name)));
}

/** Bytes of float32 values. */
export function bytesOf(parameters: ReadonlyMap<string, tf.Tensor>): number {
  return [...parameters.values()].reduce((sum, { size }) => sum + 4 * size, 0);
}
