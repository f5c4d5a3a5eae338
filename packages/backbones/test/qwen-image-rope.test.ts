import * as tf from '@tensorflow/tfjs-core';
import { rotaryEmbedding } from '@thinkrl/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import { ropeTables } from '../src/qwen-image-edit/transformer/rope.ts';
import { bfloat16Level, timeFeatures } from '../src/qwen-image-edit/transformer/timestep.ts';
import { useCpu } from './engine.ts';
import { deviation, openTensors, readConfig } from './fixture.ts';

const file = openTensors('qwen_image_rope', 'tables.safetensors');

interface Case {
  readonly name: string;
  readonly img_shapes: readonly (readonly [frames: number, height: number, width: number])[];
  readonly txt_len: number;
}

const {
  cases,
  axes_dims_rope: axes,
  apply,
} = readConfig<{
  readonly cases: readonly Case[];
  readonly axes_dims_rope: readonly [number, number, number];
  /** Whose text table turns `apply.in`. */
  readonly apply: string;
}>('qwen_image_rope');

function tablesOf({ img_shapes: shapes, txt_len: textTokens }: Case) {
  return ropeTables({ grids: shapes.map(([, height, width]) => ({ height, width })), textTokens }, axes);
}

describe('positions of the released model', () => {
  beforeAll(useCpu);

  it.each(cases)('$name', (found) => {
    const { name, txt_len: textTokens } = found;
    const tables = tablesOf(found);
    const rows = file.names.includes(`${name}.rows`) ? [...file.values(`${name}.rows`)] : undefined;
    for (const [part, table] of [
      ['cos', tables.cosine],
      ['sin', tables.sine],
    ] as const) {
      const text = tf.slice(table, [0, 0], [textTokens, -1]);
      const image = tf.slice(table, [textTokens, 0]);
      const kept = rows === undefined ? image : tf.gather(image, tf.tensor1d(rows, 'int32'));
      expect(deviation(text.dataSync(), file.values(`${name}.txt.${part}`))).toBeLessThan(1e-6);
      expect(deviation(kept.dataSync(), file.values(`${name}.img.${part}`))).toBeLessThan(1e-6);
    }
  });

  it('turns neighbouring features', () => {
    const x = file.tensor('apply.in') as tf.Tensor4D;
    const tables = tablesOf(cases.find(({ name }) => apply.includes(`${name}.txt`))!);
    const text = {
      cosine: tf.slice(tables.cosine, [0, 0], [x.shape[1], -1]),
      sine: tf.slice(tables.sine, [0, 0], [x.shape[1], -1]),
    };
    const out = rotaryEmbedding(x, text, { interleaved: true });
    expect(deviation(out.dataSync(), file.values('apply.out'))).toBeLessThan(1e-6);
  });
});

describe('noise levels', () => {
  it('are 128 cosines and 128 sines', () => {
    const found = timeFeatures([...file.values('time_proj.in')]);
    expect(deviation(found, file.values('time_proj.out'))).toBeLessThan(2e-4);
  });

  it('are rounded as a bfloat16 pipeline rounds them', () => {
    const levels = [...file.values('time_bf16.t')].map((timestep) => bfloat16Level(timestep / 1000));
    expect(deviation(levels, file.values('time_bf16.model_in'))).toBe(0);
    expect(deviation(timeFeatures(levels), file.values('time_bf16.proj'))).toBeLessThan(2e-4);
    const exact = [...file.values('time_bf16.t')].map((timestep) => timestep / 1000);
    expect(deviation(timeFeatures(exact), file.values('time_bf16.proj_if_fp32'))).toBeLessThan(2e-4);
  });
});
