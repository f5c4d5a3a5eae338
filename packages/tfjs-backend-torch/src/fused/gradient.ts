import {
  engine,
  type GradConfig,
  type NamedTensorMap,
  type Tensor,
  type TensorInfo,
} from '@tensorflow/tfjs-core';

/** Inputs of a fused kernel: tensors, lists of tensors, and optional ones left out. */
export type FusedInputs = Readonly<Record<string, TensorInfo | readonly TensorInfo[]>>;

/** Runs a registered kernel on the active engine and returns its results. */
export function runKernel(name: string, inputs: FusedInputs, attributes: object = {}): Tensor[] {
  const result = engine().runKernel(name, inputs as unknown as NamedTensorMap, attributes as never) as
    | Tensor
    | Tensor[];
  return Array.isArray(result) ? result : [result];
}

/**
 * Computes several gradients in one native call, at once: each gradient is asked for in a `tf.tidy` of its own, which
 * would free the others.
 */
export function together(compute: () => Tensor[]): (index: number) => Tensor {
  const results = compute();
  return (index) => results[index]!;
}

/** A gradient registration. */
export function gradient(config: GradConfig): GradConfig {
  return config;
}
