import type { Tensor } from '@tensorflow/tfjs-core';
import { GrpoError } from './error.ts';

/**
 * Refuses a tensor with NaN or an infinity where `mask`, of the same size, is not 0.
 *
 * @throws GrpoError naming the field and the first such place.
 */
export function checkFinite(
  field: string,
  tensor: Tensor,
  { fix, mask }: { readonly fix: string; readonly mask?: ArrayLike<number> },
): void {
  const values = tensor.dataSync();
  const at = values.findIndex((value, i) => mask?.[i] !== 0 && !Number.isFinite(value));
  if (at < 0) return;
  throw new GrpoError('GRPO_NOT_FINITE', { field: `${field}[${at}]`, found: String(values[at]), fix });
}
