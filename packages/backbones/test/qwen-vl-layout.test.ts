import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { rotaryEmbedding } from '@thinkrl/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LanguageConfig, VisionConfig } from '../src/qwen2-5-vl/config.ts';
import { QwenVlInputError } from '../src/qwen2-5-vl/error.ts';
import { positionsOf, rotaryTables } from '../src/qwen2-5-vl/positions.ts';
import { smartResize } from '../src/qwen2-5-vl/smart-resize.ts';
import { visionLayout } from '../src/qwen2-5-vl/vision-layout.ts';
import { engines } from './engine.ts';
import { deviation, openTensors, readConfig } from './fixture.ts';
import { gridsOf } from './qwen-vl-fixture.ts';

const tables = openTensors('qwen2_5_vl_rope', 'tables.safetensors');
const RELEASED_VISION = { width: 1280, heads: 16, merge: 2, window: 112, patch: 14 } as VisionConfig;
const RELEASED_LANGUAGE = { headSize: 128, theta: 1e6, sections: [16, 24, 24] } as unknown as LanguageConfig;

describe.each(['a', 'b'])('windows of the released sizes, grids %s', (name) => {
  const layout = visionLayout(gridsOf(`vision.${name}`, tables, 'grid_thw'), RELEASED_VISION);

  it('lie in the order of the reference', () => {
    expect([...layout.windowOrder]).toEqual([...tables.values(`vision.${name}.window_index`)]);
    let end = 0;
    const ends = [0, ...layout.windowLengths.map((length) => (end += length))];
    expect(ends).toEqual([...tables.values(`vision.${name}.cu_window_seqlens`)]);
  });
});

it('turns patches by the angles of the reference', () => {
  const { angles } = visionLayout(gridsOf('vision.a', tables, 'grid_thw'), RELEASED_VISION);
  const shown = [...angles.subarray(0, 24 * 40), ...angles.subarray(-4 * 40)];
  expect(deviation(shown, tables.values('vision.a.rotary_first24_last4'))).toBeLessThanOrEqual(1e-5);
});

describe.each(await engines())('multimodal rotary tables on %s', (engine) => {
  beforeAll(() => useEngine({ engine, threads: 1 }));

  it('of the released sizes are those of the reference', () => {
    tf.tidy(() => {
      const axes = Int32Array.from(tables.values('mrope.position_ids'));
      const rotary = rotaryTables({ axes, rows: 1, tokens: axes.length / 3 }, RELEASED_LANGUAGE);
      const twice = (table: tf.Tensor) => tf.concat([table, table], 2).dataSync();
      expect(deviation(twice(rotary.cosine), tables.values('mrope.cos_merged'))).toBeLessThanOrEqual(1e-6);
      for (const name of ['q', 'k']) {
        const x = tf.transpose(tables.tensor(`mrope.${name}`), [0, 2, 1, 3]) as tf.Tensor4D;
        const turned = tf.transpose(rotaryEmbedding(x, rotary), [0, 2, 1, 3]);
        expect(deviation(turned.dataSync(), tables.values(`mrope.${name}_out`))).toBeLessThanOrEqual(2e-6);
      }
    });
  });
});

it('refuses pictures that do not match their tokens', () => {
  const options = { imageToken: 9, merge: 2 };
  const grid = { frames: 1, rows: 4, columns: 2 };
  expect(positionsOf([1, 9, 9, 1], { ...options, grids: [grid] }).next).toBe(4);
  expect(() => positionsOf([1, 9, 1], { ...options, grids: [grid] })).toThrow(QwenVlInputError);
  expect(() => positionsOf([1, 9, 9], { ...options, grids: [] })).toThrow(QwenVlInputError);
  expect(() => positionsOf([1], { ...options, grids: [grid] })).toThrow(QwenVlInputError);
});

interface Details {
  readonly smart_resize: readonly {
    hw: readonly [number, number];
    min_pixels: number;
    max_pixels: number;
    out_hw: readonly [number, number];
  }[];
  readonly dimensions: readonly Readonly<Record<string, unknown>>[];
}

describe('the size at which pictures are seen', () => {
  const details = readConfig<Details>('pipeline', 'details.json');
  const released = { factor: 28, minPixels: 3136, maxPixels: 12845056 };

  it.each(details.smart_resize)('of $hw within $min_pixels and $max_pixels is $out_hw', (row) => {
    const bounds = { factor: 28, minPixels: row.min_pixels, maxPixels: row.max_pixels };
    const { height, width } = smartResize({ height: row.hw[0], width: row.hw[1] }, bounds);
    expect([height, width]).toEqual(row.out_hw);
  });

  it('is that of every picture of the pipelines', () => {
    for (const row of details.dimensions)
      for (const [size, seen] of [
        ['condition_wh', 'condition_vl_hw'],
        ['vae_wh', 'edit_single_vl_hw'],
      ] as const) {
        const [width, height] = row[size] as readonly [number, number];
        const extent = smartResize({ height, width }, released);
        expect([extent.height, extent.width]).toEqual(row[seen]);
      }
  });

  it('is refused for strips', () => {
    expect(() => smartResize({ height: 1, width: 201 }, released)).toThrow(QwenVlInputError);
  });
});
