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

/** Computes several gradients in one native call, when the first of them is asked for. */
export function together(compute: () => Tensor[]): (index: number) => Tensor {
  let results: Tensor[] | undefined;
  return (index) => {
    results ??= compute();
    return results[index]!;
  };
}

/** A gradient registration. */
export function gradient(config: GradConfig): GradConfig {
  return config;
}
