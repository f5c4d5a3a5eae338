import type { TensorInfo } from '@tensorflow/tfjs-core';
import { TorchDisposedError, type TorchEngineError, TorchKernelError } from '../error.ts';

/** A kernel that failed: by which name, on what, and why. */
interface Failure {
  readonly kernelName: string;
  readonly inputs: object;
  readonly cause: unknown;
}

/** dtypes and shapes of a kernel's inputs by name, `x float32 [2,3], weight none`. */
function described(inputs: object): string {
  return Object.entries(inputs)
    .flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((tensor) => [name, tensor] as const),
    )
    .map(([name, tensor]) => {
      const { dtype, shape } = (tensor ?? {}) as Partial<TensorInfo>;
      return shape === undefined ? `${name} none` : `${name} ${dtype} [${shape}]`;
    })
    .join(', ');
}

/**
 * The error a kernel throws. What failed in the addon names its operation and inputs already; what was refused before it
 * got there gets the name of the kernel and the inputs.
 */
export function refusal({ kernelName, inputs, cause }: Failure): TorchEngineError {
  const native = cause instanceof TorchKernelError && cause.cause !== undefined;
  if (native) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const text = `${kernelName}: ${reason} (inputs: ${described(inputs)})`;
  if (cause instanceof TorchDisposedError) return new TorchDisposedError(text, { cause });
  return new TorchKernelError({ operation: kernelName }, { cause: new Error(text, { cause }) });
}
