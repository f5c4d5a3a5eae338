import { backend_util, GatherV2, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handleOf, one, operation } from '../storage.ts';

const native = operation('GatherV2');

/** Slices of an axis picked by index. */
export const gatherV2 = withStrings(
  kernel<{ x: TensorInfo; indices: TensorInfo }, { axis: number; batchDims: number }>(
    GatherV2,
    ({ x, indices }, { axis, batchDims }) => {
      const [along] = util.parseAxisParam(axis, x.shape);
      const batch = batchDims ?? 0;
      if (batch !== 0) backend_util.segment_util.collectGatherOpShapeInfo(x, indices, along!, batch);
      return one(
        native,
        handleOf(x),
        handleOf(indices),
        along!,
        batch < 0 ? indices.shape.length + batch : batch,
      );
    },
  ),
);
