import { ThinkError } from '@thinkrl/spec';

/**
 * Base of every error of this package but `ConfigError`.
 *
 * @example
 * if (error instanceof OnnxError) console.error(error.code);
 */
export abstract class OnnxError extends ThinkError {}

/** Why a network could not be loaded: onnxruntime-node is not there, or it refuses the model. */
export type LoadFailure = 'runtime' | 'model';

/** What {@link NetworkLoadError} says. */
export interface LoadProblem {
  readonly reason: LoadFailure;
  readonly detail: string;
}

/** A network that cannot be loaded. */
export class NetworkLoadError extends OnnxError {
  readonly code = 'ONNX_LOAD';
  readonly reason: LoadFailure;

  constructor({ reason, detail }: LoadProblem, options?: ErrorOptions) {
    const what =
      reason === 'runtime'
        ? 'onnxruntime-node cannot be loaded; install it beside @thinkrl/onnx'
        : 'the model cannot be loaded';
    super(`${what}: ${detail}`, options);
    this.reason = reason;
  }
}

/** A run that the network refuses: an input that is missing, unknown, or of the wrong shape or type. */
export class NetworkRunError extends OnnxError {
  readonly code = 'ONNX_RUN';
}

/** More runs wait than the network's queue holds. */
export class NetworkBusyError extends OnnxError {
  readonly code = 'ONNX_BUSY';
  readonly queue: number;

  constructor({ queue }: { readonly queue: number }) {
    super(`${queue} runs wait already: ask for fewer at once, or raise queue`);
    this.queue = queue;
  }
}

/** A run was asked of a network that is closed, or whose worker threads have died. */
export class NetworkClosedError extends OnnxError {
  readonly code = 'ONNX_CLOSED';
}

/** Bytes that are no ONNX model, or a graph that cannot be written as one. */
export class ModelFormatError extends OnnxError {
  readonly code = 'ONNX_FORMAT';
}
