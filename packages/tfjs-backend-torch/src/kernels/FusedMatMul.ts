import { _FusedMatMul, type _FusedMatMulAttrs, type _FusedMatMulInputs } from '@tensorflow/tfjs-core';
import { epilogue } from '../kernel/activation.ts';
import { kernel } from '../kernel/config.ts';
import { handleOf, one, operation } from '../storage.ts';

const matmul = operation('matmul');

/** Matrix product, bias and activation. */
export const fusedMatMul = kernel<_FusedMatMulInputs, _FusedMatMulAttrs>(_FusedMatMul, (inputs, attrs) => {
  const { a, b } = inputs;
  return epilogue(one(matmul, handleOf(a), handleOf(b), attrs.transposeA, attrs.transposeB), inputs, attrs);
});
