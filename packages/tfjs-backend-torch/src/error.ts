import { ThinkError } from '@thinkrl/spec';

/** What {@link TorchKernelError} carries: the operation that failed. */
export interface KernelFailure {
  readonly operation: string;
  /** dtypes and shapes of its inputs by name, where the message does not hold them. */
  readonly inputs?: string;
}

/** Base of this package's errors; `TorchEngineError.isInstance` narrows to the family. */
export abstract class TorchEngineError extends ThinkError {}

/** The native addon is not there or does not load; the message says how to get it. */
export class TorchMissingError extends TorchEngineError {
  readonly code = 'TORCH_ENGINE_MISSING';
}

/**
 * A native operation refused its inputs or failed. The message names the operation, what went wrong and the dtypes and
 * shapes of its inputs; the engine goes on working.
 */
export class TorchKernelError extends TorchEngineError {
  readonly code = 'TORCH_ENGINE_KERNEL';
  readonly operation: string;
  readonly inputs: string | undefined;

  constructor(failure: KernelFailure, options?: ErrorOptions) {
    super(options?.cause instanceof Error ? options.cause.message : `${failure.operation} failed`, options);
    this.operation = failure.operation;
    this.inputs = failure.inputs;
  }
}

/** A tensor was used after its data had been disposed. */
export class TorchDisposedError extends TorchEngineError {
  readonly code = 'TORCH_ENGINE_DISPOSED';
}

/** A device was asked for that is not there; the message says why. */
export class TorchDeviceError extends TorchEngineError {
  readonly code = 'TORCH_ENGINE_DEVICE';
  readonly device: string;

  constructor(device: string, options?: ErrorOptions) {
    super(options?.cause instanceof Error ? options.cause.message : `there is no device ${device}`, options);
    this.device = device;
  }
}

/** Why ranks no longer compute together: one did not answer in time, one has gone, or something else. */
export type GroupFailure = 'timeout' | 'gone' | 'failed';

/**
 * A process group could not be joined, or a collective failed. The message names the collective, the rank that was
 * waited for and, where that rank left word, what it said. The group is of no more use.
 */
export class TorchGroupError extends TorchEngineError {
  readonly code = 'TORCH_ENGINE_GROUP';
  readonly failure: GroupFailure;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = message.includes('(timeout)')
      ? 'timeout'
      : message.includes('has gone')
        ? 'gone'
        : 'failed';
  }
}
