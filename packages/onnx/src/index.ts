export {
  type LoadFailure,
  type LoadProblem,
  ModelFormatError,
  NetworkBusyError,
  NetworkClosedError,
  NetworkLoadError,
  NetworkRunError,
  OnnxError,
} from './error.ts';
export { loadNetwork, type Network, type NetworkOptions, type RunOptions } from './network.ts';
export { RestingWorker, type RestingWorkerOptions } from './resting-worker.ts';
export type { Signature } from './seat.ts';
export type { Feeds, NetworkTensor, TensorData } from './tensor.ts';
