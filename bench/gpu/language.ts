import * as tf from '@tensorflow/tfjs-core';
import { positionRows, positionsOf, QwenVl } from '@thinkrl/backbones/qwen2-5-vl';
import { KeyValueCache } from '@thinkrl/nn';
import type { Setup } from './exchange.ts';
import type { Inputs, Runs } from './ours.ts';
import { setWeights } from './weights.ts';

/** Qwen2.5-VL: a prompt with its picture into an empty cache, and one more token. */
export function languageCases({ sizes, storage }: Setup, { inputs, weights }: Inputs): Runs {
  const { imageToken, vision, language } = sizes.language;
  const model = new QwenVl(sizes.language, storage);
  setWeights(model.parameters(), weights, storage);
  const ids = Int32Array.from(inputs.values('ids'));
  const token = Int32Array.from(inputs.values('token'));
  const [rows, columns] = sizes.grid;
  const grids = [{ frames: 1, rows, columns }];
  const data = inputs.values('patches');
  const patches = { data, numbers: data.length / (rows * columns), grids };
  const { layers, keyHeads: heads, headSize: size } = language;
  const cache = new KeyValueCache({ layers, batch: 1, capacity: ids.length + 1, heads, size, storage });
  const place = (text: Int32Array, from: number) => {
    const own = text.length === 1 ? [] : grids;
    const positions = positionsOf(text, { grids: own, imageToken, merge: vision.merge, from });
    return {
      positions,
      laid: positionRows([{ positions, row: 0, start: 0 }], { rows: 1, tokens: text.length }),
    };
  };
  const prompt = place(ids, 0);
  return {
    prefill: () => {
      cache.truncate(0);
      const whole = { ids, rows: 1, tokens: ids.length, patches };
      return tf.tidy(() => model.forward(whole, { positions: prompt.laid, cache }));
    },
    decode: () => {
      cache.truncate(ids.length);
      const { laid } = place(token, prompt.positions.next);
      return tf.tidy(() =>
        model.logits(model.forward({ ids: token, rows: 1, tokens: 1 }, { positions: laid, cache })),
      );
    },
  };
}
