import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { parseConfig, QwenVl } from '../src/qwen2-5-vl/index.ts';
import { torchIsHere } from './engine.ts';

/** The sizes of the released 7B model, with fields that change nothing. */
const RELEASED = {
  ...{
    architectures: ['Qwen2_5_VLForConditionalGeneration'],
    model_type: 'qwen2_5_vl',
    torch_dtype: 'bfloat16',
  },
  ...{ hidden_size: 3584, intermediate_size: 18944, num_hidden_layers: 28, hidden_act: 'silu' },
  ...{
    num_attention_heads: 28,
    num_key_value_heads: 4,
    vocab_size: 152064,
    rms_norm_eps: 1e-6,
    rope_theta: 1e6,
  },
  ...{ rope_scaling: { type: 'mrope', mrope_section: [16, 24, 24] }, tie_word_embeddings: false },
  ...{ use_sliding_window: false, sliding_window: 32768, max_window_layers: 28, attention_dropout: 0 },
  ...{ image_token_id: 151655, video_token_id: 151656, vision_start_token_id: 151652, use_cache: true },
  vision_config: {
    ...{
      depth: 32,
      hidden_size: 1280,
      intermediate_size: 3420,
      num_heads: 16,
      in_chans: 3,
      hidden_act: 'silu',
    },
    ...{
      patch_size: 14,
      spatial_patch_size: 14,
      spatial_merge_size: 2,
      window_size: 112,
      out_hidden_size: 3584,
    },
    ...{ temporal_patch_size: 2, tokens_per_second: 2, fullatt_block_indexes: [7, 15, 23, 31] },
  },
};

// On other engines parameters that are to be loaded take their room at once.
describe.runIf(await torchIsHere())('the released sizes', () => {
  it('make as many parameters as published, which take no room before they are loaded', () => {
    const before = tf.memory().numTensors;
    const model = new QwenVl(parseConfig(RELEASED));
    const count = (prefix: string) =>
      [...model.parameters()].reduce(
        (sum, [name, { size }]) => sum + (name.startsWith(prefix) ? size : 0),
        0,
      );
    expect(count('model.visual.')).toBe(676_550_144);
    expect(count('model.language_model.')).toBe(7_070_619_136);
    expect(count('lm_head.')).toBe(544_997_376);
    expect(count('')).toBe(8_292_166_656);
    expect(process.memoryUsage().rss).toBeLessThan(2 ** 31);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leave out the output layer where it is the embedding table', () => {
    const model = new QwenVl(parseConfig({ ...RELEASED, tie_word_embeddings: true }));
    expect([...model.parameters().keys()]).not.toContain('lm_head.weight');
    model.dispose();
  });
});
