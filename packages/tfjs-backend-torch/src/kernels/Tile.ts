import { type TensorInfo, Tile } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('tile');

/** x repeated along its axes. */
export const tile = withStrings(
  kernel<{ x: TensorInfo }, { reps: number[] }>(Tile, ({ x }, { reps }) => one(native, handleOf(x), reps)),
);
