import {
  Einsum,
  SparseFillEmptyRows,
  SparseReshape,
  SparseSegmentMean,
  SparseSegmentSum,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { ThinkError } from '@thinkrl/spec';
import { TorchDisposedError, TorchEngineError, TorchKernelError } from '../error.ts';

/** A kernel that failed: by which name, on what, and why. */
interface Failure {
  readonly kernelName: string;
  readonly inputs: object;
  readonly cause: unknown;
}

/** Kernels whose refusals tfjs words itself and its suite knows to the letter. */
const wordedByTfjs = new Set([
  Einsum,
  SparseFillEmptyRows,
  SparseReshape,
  SparseSegmentMean,
  SparseSegmentSum,
]);

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
 * itself; anything else that was refused gets the name of the kernel and the inputs. Where tfjs
 * words its refusals, the message is its own and the inputs stand beside it.
 */
export function refusal({ kernelName, inputs, cause }: Failure): ThinkError {
  if (cause instanceof TorchKernelError && cause.cause !== undefined) return cause;
  if (ThinkError.isInstance(cause) && !(cause instanceof TorchEngineError)) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (wordedByTfjs.has(kernelName) && isPlain(cause))
    return new TorchKernelError({ operation: kernelName, inputs: described(inputs) }, { cause });
  const text = `${kernelName}: ${reason} (inputs: ${described(inputs)})`;
  if (cause instanceof TorchDisposedError) return new TorchDisposedError(text, { cause });
  return new TorchKernelError({ operation: kernelName }, { cause: new Error(text, { cause }) });
}

/** Whether tfjs's checks threw it: errors of the language and of this package have classes of their own. */
function isPlain(cause: unknown): boolean {
  return cause instanceof Error && cause.constructor === Error;
}
