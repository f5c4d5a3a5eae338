import { type BackendValues, type DataType, KernelBackend } from '@tensorflow/tfjs-core';
import {
  adopt,
  clearStorage,
  dataOf,
  free,
  liveCount,
  load,
  loadLater,
  native,
  ownData,
  store,
} from './storage.ts';

/**
 * The tfjs backend `torch`: tensors are libtorch tensors, freed the moment tfjs disposes them.
 *
 * The native context lives outside this object, so making one is cheap and may happen any number of times.
 *
 * @throws TorchMissingError from the constructor when the addon is not built or does not load.
 */
export class TorchBackend extends KernelBackend {
  constructor() {
    super();
    native();
  }

  override write(values: BackendValues, shape: number[], dtype: DataType): object {
    return store(values, shape, dtype);
  }

  override move(
    dataId: object,
    values: BackendValues,
    shape: number[],
    dtype: DataType,
    refCount: number,
  ): void {
    const data = store(values, shape, dtype);
    data.refCount = refCount;
    adopt(dataId, data);
  }

  override readSync(dataId: object): BackendValues {
    return load(dataOf(dataId));
  }

  override async read(dataId: object): Promise<BackendValues> {
    return loadLater(dataOf(dataId));
  }

  override disposeData(dataId: object, force = false): boolean {
    const data = ownData(dataId);
    if (data === undefined) return true;
    data.refCount -= 1;
    if (!force && data.refCount > 0) return false;
    free(data);
    return true;
  }

  override refCount(dataId: object): number {
    return ownData(dataId)?.refCount ?? 0;
  }

  override incRef(dataId: object): void {
    dataOf(dataId).refCount += 1;
  }

  override numDataIds(): number {
    return liveCount();
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }

  override timerAvailable(): boolean {
    return true;
  }

  override async time(run: () => void): Promise<{ kernelMs: number }> {
    native().synchronize();
    const start = performance.now();
    run();
    native().synchronize();
    return { kernelMs: performance.now() - start };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override dispose(): void {
    clearStorage();
  }
}
