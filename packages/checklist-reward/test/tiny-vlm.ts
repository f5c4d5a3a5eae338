import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GraphBuilder } from '@thinkrl/onnx/format';

const WORDS = [
  '<unk>',
  '<|im_start|>',
  '<|im_end|>',
  '<|vision_start|>',
  '<|vision_end|>',
  '<|image_pad|>',
  'yes',
  'no',
  'dark',
  'silent',
];
const IMAGE = WORDS.indexOf('<|image_pad|>');
const SIZE = 4;
const PATCH = 14;

/**
 * Writes a model folder laid out as that of Qwen2-VL, with nothing learned: the reply is yes where the picture is bright,
 * turned round where the question has the word "dark"; with the word "silent" it is neither. `brightness` is the mean of
 * all patches, of both pictures and what is between them.
 */
export function writeTinyVlm(folder: string): void {
  mkdirSync(join(folder, 'onnx'), { recursive: true });
  const json = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value));
  json('config.json', {
    model_type: 'qwen2_vl',
    architectures: ['Qwen2VLForConditionalGeneration'],
    vocab_size: WORDS.length,
    hidden_size: SIZE,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    image_token_id: IMAGE,
    vision_start_token_id: 3,
    vision_config: { spatial_merge_size: 2 },
    eos_token_id: 2,
  });
  json('generation_config.json', { eos_token_id: 2 });
  json('preprocessor_config.json', {
    image_processor_type: 'Qwen2VLImageProcessor',
    processor_class: 'Qwen2VLProcessor',
    do_resize: true,
    do_rescale: true,
    do_normalize: true,
    rescale_factor: 1 / 255,
    image_mean: [0, 0, 0],
    image_std: [1, 1, 1],
    patch_size: PATCH,
    merge_size: 2,
    temporal_patch_size: 2,
    min_pixels: 56 * 56,
    max_pixels: 112 * 112,
  });
  json('tokenizer.json', tokenizer());
  json('tokenizer_config.json', {
    tokenizer_class: 'PreTrainedTokenizerFast',
    unk_token: '<unk>',
    chat_template: [
      "{% for message in messages %}{{ '<|im_start|> ' }}{% for part in message.content %}",
      "{% if part.type == 'image' %}{{ '<|vision_start|> <|image_pad|> <|vision_end|> ' }}",
      "{% else %}{{ part.text + ' ' }}{% endif %}{% endfor %}{{ '<|im_end|> ' }}{% endfor %}",
      "{% if add_generation_prompt %}{{ '<|im_start|>' }}{% endif %}",
    ].join(''),
  });
  for (const [name, bytes] of Object.entries({
    vision_encoder: visionEncoder(),
    embed_tokens: embedTokens(),
    decoder_model_merged: decoder(),
  }))
    writeFileSync(join(folder, 'onnx', `${name}.onnx`), bytes);
}

function tokenizer() {
  return {
    version: '1.0',
    added_tokens: WORDS.slice(0, 6).map((content, id) => ({
      id,
      content,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [{ type: 'WhitespaceSplit' }, { type: 'Punctuation', behavior: 'Isolated' }],
    },
    post_processor: null,
    decoder: null,
    model: {
      type: 'WordLevel',
      vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])),
      unk_token: '<unk>',
    },
  };
}

/** Mean brightness of every four patches in the first number, 1 in the second. */
function visionEncoder(): Uint8Array {
  const graph = new GraphBuilder();
  const pixels = graph.input('pixel_values', { type: 'float32', dims: ['patches', 3 * 2 * PATCH * PATCH] });
  graph.input('grid_thw', { type: 'int64', dims: ['images', 3] });
  const integers = (name: string, values: readonly bigint[]) =>
    graph.constant(name, { data: BigInt64Array.from(values), dims: [values.length] });
  const means = graph.node('ReduceMean', [pixels], { axes: [1], keepdims: 0 });
  const fours = graph.node('Reshape', [means, integers('fours', [-1n, 4n])]);
  const merged = graph.node('ReduceMean', [fours], { axes: [1], keepdims: 1 });
  const spread = graph.constant('spread', { data: new Float32Array([1, 0, 0, 0]), dims: [1, SIZE] });
  const one = graph.constant('one', { data: new Float32Array([0, 1, 0, 0]), dims: [1, SIZE] });
  const features = graph.node('Add', [graph.node('MatMul', [merged, spread]), one]);
  graph.output('image_features', features, { type: 'float32', dims: ['tokens', SIZE] });
  return graph.encode({ name: 'vision' });
}

/** 1 in the third number for "dark", in the fourth for "silent". */
function embedTokens(): Uint8Array {
  const graph = new GraphBuilder();
  const ids = graph.input('input_ids', { type: 'int64', dims: ['rows', 'tokens'] });
  const data = new Float32Array(WORDS.length * SIZE);
  data[WORDS.indexOf('dark') * SIZE + 2] = 1;
  data[WORDS.indexOf('silent') * SIZE + 3] = 1;
  const table = graph.constant('table', { data, dims: [WORDS.length, SIZE] });
  const embeds = graph.node('Gather', [table, ids]);
  graph.output('inputs_embeds', embeds, { type: 'float32', dims: ['rows', 'tokens', SIZE] });
  return graph.encode({ name: 'embed' });
}

/** Logit of yes: 12 (brightness - 1/2) (1 - 2 dark); of no: its negative; of neither: 20 silent, else -20. */
function decoder(): Uint8Array {
  const graph = new GraphBuilder();
  const number = (name: string, value: number) =>
    graph.constant(name, { data: new Float32Array([value]), dims: [] });
  const embeds = graph.input('inputs_embeds', { type: 'float32', dims: ['rows', 'tokens', SIZE] });
  graph.input('attention_mask', { type: 'int64', dims: ['rows', 'all'] });
  graph.input('position_ids', { type: 'int64', dims: [3, 'rows', 'tokens'] });
  for (const kind of ['key', 'value']) {
    const past = graph.input(`past_key_values.0.${kind}`, {
      type: 'float32',
      dims: ['rows', 1, 'past', SIZE],
    });
    graph.output(`present.0.${kind}`, past, { type: 'float32', dims: ['rows', 1, 'past', SIZE] });
  }
  const axis = graph.constant('axis', { data: BigInt64Array.from([1n]), dims: [1] });
  const sums = graph.node('ReduceSum', [embeds, axis], { keepdims: 1 });
  const [bright, count, dark, silent] = graph.nodeOf('Split', [sums], {
    outputs: 4,
    attributes: { axis: -1 },
  });
  const half = number('half', 0.5);
  const light = graph.node('Sub', [graph.node('Div', [bright!, count!]), half]);
  const turn = graph.node('Sub', [half, graph.node('Min', [dark!, number('most', 1)])]);
  const yes = graph.node('Mul', [graph.node('Mul', [light, turn]), number('steep', 24)]);
  const neither = graph.node('Mul', [
    graph.node('Sub', [graph.node('Min', [silent!, graph.node('Identity', ['most'])]), half]),
    number('loud', 40),
  ]);
  const logits = graph.node(
    'Concat',
    [...WORDS.map((word) => (word === 'yes' ? yes : word === 'no' ? graph.node('Neg', [yes]) : neither))],
    { axis: -1 },
  );
  graph.output('logits', logits, { type: 'float32', dims: ['rows', 1, WORDS.length] });
  return graph.encode({ name: 'decoder' });
}
