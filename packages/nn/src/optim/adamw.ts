import * as tf from '@tensorflow/tfjs-core';
import { ConfigError } from '@thinkrl/spec';
import type { ParameterMap } from '../modules/module.ts';
import { castStorage } from '../ops/cast-storage.ts';
import { hasKernel, runFused } from '../ops/fused.ts';
import { loadParameters } from '../parameters.ts';
import type { HostTensor } from '../safetensors/host-tensor.ts';
import type { LearningRate } from './learning-rate.ts';

/** Settings of {@link AdamW}. */
export interface AdamWOptions {
  readonly parameters: ParameterMap;
  /** A number, or a schedule over the steps taken, the first being 0. */
  readonly learningRate: number | LearningRate;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  readonly weightDecay?: number;
}

/** What one step may change. */
export interface AdamWStepOptions {
  /** Learning rate of this step; the optimiser's own unless given. */
  readonly learningRate?: number;
  /** Factor on every gradient, as gradient clipping needs; 1 unless given. */
  readonly gradientScale?: number;
}

/** Steps taken and both moments, `first.<parameter>` and `second.<parameter>`. The tensors are the optimiser's own. */
export interface AdamWState {
  readonly step: number;
  readonly moments: ParameterMap;
}

interface StepNumbers {
  readonly learningRate: number;
  readonly gradientScale: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly step: number;
}

/**
 * AdamW (Loshchilov and Hutter 2019, algorithm 2) in PyTorch's form: decay first, then
 * `p -= lr / (1 - β1^t) · m / (sqrt(v / (1 - β2^t)) + ε)`. Parameters and moments change in place where the engine can.
 *
 * @example
 * const optimizer = AdamW.create({ parameters: model.parameters(), learningRate: 1e-3 });
 * optimizer.step(result.gradients, { gradientScale: clipScale(norm, 1) });
 */
export class AdamW {
  private readonly parameters: ParameterMap;
  private readonly first = new Map<string, tf.Variable>();
  private readonly second = new Map<string, tf.Variable>();
  private readonly learningRate: LearningRate;
  private readonly numbers: Omit<StepNumbers, 'step' | 'gradientScale' | 'learningRate'>;
  private steps = 0;

  private constructor(options: Required<AdamWOptions>) {
    const { parameters, learningRate, ...numbers } = options;
    this.parameters = parameters;
    this.learningRate = typeof learningRate === 'number' ? () => learningRate : learningRate;
    this.numbers = numbers;
    for (const [name, parameter] of parameters) {
      this.first.set(name, zeroVariable(parameter));
      this.second.set(name, zeroVariable(parameter));
    }
  }

  /** Throws {@link ConfigError} on a setting outside its range. */
  static create(options: AdamWOptions): AdamW {
    const full = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, ...options };
    const inRange = (field: string, value: number, below: number) => {
      if (!(value >= 0 && value < below))
        throw new ConfigError({ field, value, fix: `use a number from 0 to below ${below}` });
    };
    for (const field of ['beta1', 'beta2'] as const) inRange(field, full[field], 1);
    for (const field of ['epsilon', 'weightDecay'] as const)
      inRange(field, full[field], Number.POSITIVE_INFINITY);
    if (typeof full.learningRate === 'number')
      inRange('learningRate', full.learningRate, Number.POSITIVE_INFINITY);
    return new AdamW(full);
  }

  /** One update by `gradients` (by parameter name); a parameter without a gradient stays as it is. */
  step(gradients: ReadonlyMap<string, tf.Tensor>, options: AdamWStepOptions = {}): void {
    const learningRate = this.learningRate(this.steps);
    this.steps++;
    const numbers = { ...this.numbers, learningRate, gradientScale: 1, ...options, step: this.steps };
    const names = [...this.parameters.keys()].filter((name) => gradients.has(name));
    if (names.length === 0) return;
    const lists = {
      params: names.map((name) => this.parameters.get(name)!),
      grads: names.map((name) => gradients.get(name)!),
      firstMoments: names.map((name) => this.first.get(name)!),
      secondMoments: names.map((name) => this.second.get(name)!),
    };
    if (hasKernel('AdamWStep')) tf.dispose(runFused('AdamWStep', lists, numbers));
    else composedStep(lists, numbers);
  }

  /** What a checkpoint needs. */
  state(): AdamWState {
    const moments = new Map<string, tf.Variable>();
    for (const [name, variable] of this.first) moments.set(`first.${name}`, variable);
    for (const [name, variable] of this.second) moments.set(`second.${name}`, variable);
    return { step: this.steps, moments };
  }

  /** Continues from a saved state. Throws {@link ParameterMismatchError} when it belongs to other parameters. */
  load(step: number, moments: ReadonlyMap<string, HostTensor>): void {
    loadParameters(this.state().moments, moments);
    this.continueAt(step);
  }

  /** Counts steps on from `step`; the moments, those of {@link AdamW.state}, were filled by other means. */
  continueAt(step: number): void {
    this.steps = step;
  }

  dispose(): void {
    tf.dispose([...this.first.values(), ...this.second.values()]);
  }
}

/** Moments are beside the parameter, and float32 whatever storage it has: in halves they would stand still. */
function zeroVariable(parameter: tf.Variable): tf.Variable {
  return tf.tidy(() => tf.variable(castStorage(tf.zerosLike<tf.Tensor>(parameter), 'float32'), false));
}

type StepLists = Readonly<
  Record<'params' | 'firstMoments' | 'secondMoments', readonly tf.Variable[]> & {
    grads: readonly tf.Tensor[];
  }
>;

function composedStep(lists: StepLists, numbers: StepNumbers): void {
  lists.params.forEach((parameter, index) => {
    const first = lists.firstMoments[index]!;
    const second = lists.secondMoments[index]!;
    tf.tidy(() => {
      const gradient = tf.mul(lists.grads[index]!, numbers.gradientScale);
      first.assign(tf.add(tf.mul(first, numbers.beta1), tf.mul(gradient, 1 - numbers.beta1)));
      second.assign(tf.add(tf.mul(second, numbers.beta2), tf.mul(tf.square(gradient), 1 - numbers.beta2)));
      parameter.assign(moved(parameter, { first, second, numbers }));
    });
  });
}

function moved(
  parameter: tf.Variable,
  { first, second, numbers }: { first: tf.Tensor; second: tf.Tensor; numbers: StepNumbers },
): tf.Tensor {
  const { learningRate, weightDecay, beta1, beta2, epsilon, step } = numbers;
  const decayed = tf.mul(parameter, 1 - learningRate * weightDecay);
  const root = tf.div(tf.sqrt(second), Math.sqrt(1 - beta2 ** step));
  const direction = tf.div(first, tf.add(root, epsilon));
  return tf.sub(decayed, tf.mul(direction, learningRate / (1 - beta1 ** step)));
}
