import type { TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { handleOf, none, operation } from '../storage.ts';

const write = operation('cache_write');

/** Writes rows `[batch, T, heads, width]` into cache `[batch, S, heads, width]` at tokens position.., in place. */
export const cacheWrite = kernel<{ cache: TensorInfo; rows: TensorInfo }, { position: number }>(
  'CacheWrite',
  ({ cache, rows }, { position }) => {
    none(write, handleOf(cache), handleOf(rows), position);
    return [];
  },
);
