import type { TensorInfo } from '@tensorflow/tfjs-core';
import { ThinkError } from '@thinkrl/spec';
import { TorchDisposedError, TorchEngineError, TorchKernelError } from '../error.ts';

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
 * The error a kernel throws. What failed in the addon names its operation and inputs already, and a wrong setting names
 * itself; anything else that was refused gets the name of the kernel and the inputs.
 */
export function refusal({ kernelName, inputs, cause }: Failure): ThinkError {
  if (cause instanceof TorchKernelError && cause.cause !== undefined) return cause;
  if (ThinkError.isInstance(cause) && !(cause instanceof TorchEngineError)) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const text = `${kernelName}: ${reason} (inputs: ${described(inputs)})`;
  if (cause instanceof TorchDisposedError) return new TorchDisposedError(text, { cause });
  return new TorchKernelError({ operation: kernelName }, { cause: new Error(text, { cause }) });
}
