import { createRequire } from 'node:module';
import { type BackendValues, getKernel, type KernelConfig, type TensorInfo } from '@tensorflow/tfjs-core';
import { dataOf, load, store } from '../storage.ts';
import { backendName } from './config.ts';
import { refusal } from './refusal.ts';

type Host = typeof import('@tensorflow/tfjs-backend-cpu');
type HostBackend = InstanceType<Host['MathBackendCPU']>;
type Inputs = { [name: string]: TensorInfo | undefined };

let host: HostBackend | undefined;

/** tfjs's plain JavaScript backend, loaded when the first kernel needs it. */
function hostBackend(): HostBackend {
  if (host !== undefined) return host;
  const { MathBackendCPU } = createRequire(import.meta.url)('@tensorflow/tfjs-backend-cpu') as Host;
  const backend = new MathBackendCPU();
  // It would advise, at its first tensor, to install another engine.
  Object.assign(backend, { firstUse: false });
  host = backend;
  return backend;
}

function toHost(backend: HostBackend, tensor: TensorInfo): TensorInfo {
  const { shape, dtype } = tensor;
  const dataId = backend.write(load(dataOf(tensor.dataId)), shape, dtype);
  // Some kernels ask a tensor for its rank.
  return Object.assign({ dataId, shape, dtype }, { rank: shape.length });
}

function fromHost(backend: HostBackend, tensor: TensorInfo): TensorInfo {
  const { shape, dtype } = tensor;
  return { dataId: store(backend.readSync(tensor.dataId) as BackendValues, shape, dtype), shape, dtype };
}

function mapped(inputs: Inputs, move: (tensor: TensorInfo) => TensorInfo): Inputs {
  const entries = Object.entries(inputs).map(([name, value]) => {
    if (value == null) return [name, value];
    return [name, Array.isArray(value) ? (value as TensorInfo[]).map(move) : move(value)];
  });
  return (Array.isArray(inputs) ? entries.map(([, value]) => value) : Object.fromEntries(entries)) as Inputs;
}

/** Runs a kernel of the plain JavaScript backend on host copies of the inputs. */
function runOnHost(kernelName: string, inputs: Inputs, attrs: object | undefined): TensorInfo | TensorInfo[] {
  const backend = hostBackend();
  const made: TensorInfo[] = [];
  const move = (tensor: TensorInfo) => {
    const copy = toHost(backend, tensor);
    made.push(copy);
    return copy;
  };
  try {
    const config = getKernel(kernelName, 'cpu');
    const out = config.kernelFunc({ inputs: mapped(inputs, move), attrs: (attrs ?? {}) as never, backend });
    const results = Array.isArray(out) ? out : [out];
    made.push(...results);
    const back = results.map((tensor) => fromHost(backend, tensor));
    return Array.isArray(out) ? back : back[0]!;
  } catch (cause) {
    throw refusal({ kernelName, inputs, cause });
  } finally {
    for (const tensor of made) backend.disposeData(tensor.dataId, true);
  }
}

/** A kernel over host values: strings, ragged and sparse bookkeeping, box selection. */
export function onHost(kernelName: string): KernelConfig {
  return { kernelName, backendName, kernelFunc: ({ inputs, attrs }) => runOnHost(kernelName, inputs, attrs) };
}

function holdsStrings(inputs: Inputs): boolean {
  for (const name in inputs) {
    if (inputs[name]?.dtype === 'string') return true;
  }
  return false;
}

/** The same kernel, except that string tensors (which have no native form) are handled on the host. */
export function withStrings(config: KernelConfig): KernelConfig {
  const { kernelName, kernelFunc } = config;
  return {
    ...config,
    kernelFunc: (params) =>
      holdsStrings(params.inputs) ? runOnHost(kernelName, params.inputs, params.attrs) : kernelFunc(params),
  };
}
