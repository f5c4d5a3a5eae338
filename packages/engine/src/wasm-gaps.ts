import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import {
  type BackendValues,
  getKernelsForBackend,
  type KernelBackend,
  type KernelConfig,
  type KernelFunc,
  type NamedTensorInfoMap,
  registerKernel,
  type TensorInfo,
} from '@tensorflow/tfjs-core';

/** The part of a backend's storage that moving numbers takes; both plain engines have it. */
type Storage = KernelBackend & {
  readSync(dataId: object): BackendValues;
  write(values: BackendValues, shape: number[], dtype: TensorInfo['dtype']): object;
};

/**
 * Gives the WebAssembly engine every kernel that it lacks and the plain JavaScript engine has, gradients of look-ups
 * among them: inputs are copied there and results back. Without them no model with an embedding can be trained on it.
 */
export function fillWasmGaps(): void {
  const present = new Set(getKernelsForBackend('wasm').map(({ kernelName }) => kernelName));
  // Its first tensor would bring advice to install another engine.
  const plain = Object.assign(new MathBackendCPU(), { firstUse: false });
  for (const kernel of getKernelsForBackend('cpu')) {
    if (present.has(kernel.kernelName)) continue;
    registerKernel({ ...borrowed(kernel, plain), backendName: 'wasm' });
  }
}

function borrowed(
  { kernelName, kernelFunc }: KernelConfig,
  plain: MathBackendCPU,
): Omit<KernelConfig, 'backendName'> {
  const borrowedFunc: KernelFunc = ({ inputs, attrs, backend }) => {
    const own = backend as unknown as Storage;
    const copies: TensorInfo[] = [];
    const toPlain = (info: TensorInfo): TensorInfo => {
      const copy = plain.makeTensorInfo(info.shape, info.dtype, own.readSync(info.dataId) as never);
      copies.push(copy);
      return copy;
    };
    const toOwn = (info: TensorInfo): TensorInfo => {
      copies.push(info);
      const values = plain.readSync(info.dataId);
      return { dataId: own.write(values, info.shape, info.dtype), shape: info.shape, dtype: info.dtype };
    };
    try {
      const results = kernelFunc({ inputs: mapped(inputs, toPlain), attrs: attrs!, backend: plain });
      return Array.isArray(results) ? results.map(toOwn) : toOwn(results);
    } finally {
      for (const { dataId } of copies) plain.disposeData(dataId, true);
    }
  };
  return { kernelName, kernelFunc: borrowedFunc };
}

/** Inputs by name, single ones and lists, each moved. */
function mapped(inputs: NamedTensorInfoMap, move: (info: TensorInfo) => TensorInfo): NamedTensorInfoMap {
  const entries = Object.entries(inputs as Record<string, TensorInfo | TensorInfo[] | undefined>);
  return Object.fromEntries(
    entries.map(([name, value]) => {
      if (value === undefined) return [name, value];
      return [name, Array.isArray(value) ? value.map(move) : move(value)];
    }),
  ) as NamedTensorInfoMap;
}
