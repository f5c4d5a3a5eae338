import type { TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { dataOf, giveBack, handleOf, none, operation, ownData, withhold } from '../storage.ts';

const release = operation('storage_release');
const restore = operation('storage_restore');

interface Whole {
  /** A tensor that has a storage to itself. */
  readonly whole: TensorInfo;
  /** Tensors that are views of it. */
  readonly views: readonly TensorInfo[];
}

/**
 * Frees the memory behind `whole` and its views; until {@link restoreStorage} using one of them is an error. What was
 * recorded for a gradient refers to the storage and is good again with it.
 */
export const releaseStorage = kernel<Whole>('ReleaseStorage', ({ whole, views }) => {
  none(release, handleOf(whole));
  for (const { dataId } of [whole, ...views]) withhold(dataOf(dataId));
  return [];
});

/** Gives `whole` and its views memory again, of any content. */
export const restoreStorage = kernel<Whole>('RestoreStorage', ({ whole, views }) => {
  for (const { dataId } of [whole, ...views]) giveBack(ownData(dataId)!);
  none(restore, handleOf(whole));
  return [];
});
