import { backend_util, Concat, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { typeCode } from '../data.ts';
import { kernel } from '../kernel/config.ts';
import { withStrings } from '../kernel/host.ts';
import { handlesOf, one, operation } from '../storage.ts';

const native = operation('concat');
const fill = operation('fill');

/** Tensors joined along an axis. */
export const concat = withStrings(
  kernel<TensorInfo[], { axis: number }>(Concat, (inputs, { axis }) => {
    const [along] = util.parseAxisParam(axis, inputs[0]!.shape);
    backend_util.assertParamsConsistent(
      inputs.map((tensor) => tensor.shape),
      along!,
    );
    const full = inputs.filter((tensor) => util.sizeFromShape(tensor.shape) > 0);
    if (full.length === 0)
      return one(
        fill,
        backend_util.computeOutShape(
          inputs.map((tensor) => tensor.shape),
          along!,
        ),
        0,
        typeCode(inputs[0]!.dtype),
      );
    return one(native, handlesOf(full), along!);
  }),
);
