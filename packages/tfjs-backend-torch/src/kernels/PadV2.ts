import { PadV2, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('pad');

/** x inside a frame of one value. */
export const padV2 = withStrings(
  kernel<{ x: TensorInfo }, { paddings: [number, number][]; constantValue: number }>(
    PadV2,
    ({ x }, { paddings, constantValue }) =>
      one(
        native,
        handleOf(x),
        paddings.map(([before]) => before),
        paddings.map(([, after]) => after),
        constantValue,
      ),
  ),
);
