import { engine, type Tensor } from '@tensorflow/tfjs-core';
import type { StorageType } from './data.ts';
import { castStorage, storageOf } from './fused/CastStorage.ts';
import { backendName } from './kernel/config.ts';
import { anyHalves, share } from './storage.ts';

type Gradients = Readonly<Record<string, () => Tensor>>;

interface TapeNode {
  readonly inputs: Readonly<Record<string, Tensor>>;
  gradient?: (slopes: readonly Tensor[]) => Gradients;
}

/** The part of tfjs's engine that records the tape; not in its published types. */
interface TapeEngine {
  readonly backendName: string;
  readonly state: { readonly gradientDepth: number; readonly activeTape: TapeNode[] };
  addTapeNode(...record: unknown[]): void;
  saveTensorsForBackwardMode(tensors: Tensor[]): Tensor[];
  makeTensorFromTensorInfo(info: object): Tensor;
  keep(tensor: Tensor): Tensor;
}

/**
 * Keeps tensors for the backward pass by sharing their data, where tfjs runs an Identity kernel and records it on the tape
 * for each: some 4 us less per kept tensor.
 *
 * The record only matters to gradients of gradients, so nested tapes go tfjs's own way.
 */
export function keepTensorsByReference(): void {
  const tape = engine() as unknown as TapeEngine;
  const original = tape.saveTensorsForBackwardMode;
  tape.saveTensorsForBackwardMode = function save(this: TapeEngine, tensors: Tensor[]): Tensor[] {
    if (this.backendName !== backendName || this.state.gradientDepth !== 1)
      return original.call(this, tensors);
    return tensors.map((tensor) => this.keep(this.makeTensorFromTensorInfo(share(tensor))));
  };
}

function inStorage(gradient: Tensor, storage: ReturnType<typeof storageOf>): Tensor {
  return storageOf(gradient) === storage ? gradient : castStorage(gradient, storage as StorageType);
}

/**
 * Gives the gradient of every tensor the storage of that tensor, as PyTorch's autograd does: what was computed in halves
 * goes on in halves on the way back, whatever a gradient was made of.
 */
export function keepStorageOfGradients(): void {
  const tape = engine() as unknown as TapeEngine;
  const original = tape.addTapeNode;
  tape.addTapeNode = function add(this: TapeEngine, ...record: unknown[]): void {
    original.apply(this, record);
    if (!anyHalves() || this.backendName !== backendName) return;
    const node = this.state.activeTape.at(-1)!;
    const { inputs, gradient } = node;
    if (gradient === undefined) return;
    const floats = Object.entries(inputs).filter(([, input]) => input?.dtype === 'float32');
    const storages = new Map(floats.map(([name, input]) => [name, storageOf(input)]));
    node.gradient = (slopes) => {
      const entries = Object.entries(gradient(slopes)).map(([name, compute]) => {
        const storage = storages.get(name);
        return [name, storage === undefined ? compute : () => inStorage(compute(), storage)];
      });
      return Object.fromEntries(entries) as Gradients;
    };
  };
}
