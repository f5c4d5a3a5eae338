import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import {
  type EncodedText,
  LINE_FORM,
  loadQwenVl,
  parseConfig,
  patchesOf,
  pixelsOf,
  positionRows,
  positionsOf,
  QwenVl,
  QwenVlPolicy,
  QwenVlTokenizer,
} from '@thinkrl/backbones/qwen2-5-vl';
import { useEngine } from '@thinkrl/engine';
import { keyedNormal, LoraAdapter, type ParameterMap, saveParameters, savePeftAdapter } from '@thinkrl/nn';
import { type Image, Key } from '@thinkrl/spec';
import { byteTokenizer, TEMPLATE, tinyTokenizer } from '../packages/backbones/test/qwen-vl-tokenizer.ts';

const { values: options } = parseArgs({ options: { python: { type: 'string', default: 'python3' } } });

const CONFIG = {
  ...{ architectures: ['Qwen2_5_VLForConditionalGeneration'], model_type: 'qwen2_5_vl', hidden_act: 'silu' },
  ...{ vocab_size: 160, hidden_size: 64, intermediate_size: 96, num_hidden_layers: 2, rms_norm_eps: 1e-6 },
  ...{ num_attention_heads: 4, num_key_value_heads: 2, rope_theta: 1e6, max_position_embeddings: 8192 },
  ...{ rope_scaling: { type: 'mrope', mrope_section: [2, 3, 3] }, tie_word_embeddings: false },
  ...{ image_token_id: 151, video_token_id: 152, vision_start_token_id: 149, vision_end_token_id: 150 },
  ...{ bos_token_id: 153, eos_token_id: 155, pad_token_id: 153 },
  vision_config: {
    ...{ depth: 4, hidden_size: 32, intermediate_size: 48, num_heads: 2, in_channels: 3, hidden_act: 'silu' },
    ...{
      patch_size: 4,
      spatial_merge_size: 2,
      temporal_patch_size: 2,
      tokens_per_second: 2,
      window_size: 16,
    },
    ...{ out_hidden_size: 64, fullatt_block_indexes: [1, 3] },
  },
};
const PATCHES = { patch_size: 4, temporal_patch_size: 2, merge_size: 2, min_pixels: 64, max_pixels: 1024 };
const MOST = 24;
const key = Key.of(43);

await useEngine({ engine: 'torch', threads: 1 });
const folder = mkdtempSync(join(tmpdir(), 'thinkrl-vision-language-'));
const write = (name: string, json: object) => writeFileSync(join(folder, name), JSON.stringify(json));
await writeModel();
const { model, processor } = loadQwenVl(folder);
const task = {
  ...{ id: 'a', instruction: 'what is next', category: 'x' },
  references: [picture(40, 24), picture(17, 29)],
};
const edited = picture(24, 16);
const prompt = processor.chat(LINE_FORM.plan(task));
const next = processor.chatNext(LINE_FORM.plan(task), LINE_FORM.reflection(task, edited));
const [plan, reflection] = await think();
const base = logits(prompt);
const adapter = LoraAdapter.attach(model, { rank: 3, alpha: 6, targets: ['q_proj', 'down_proj'], key });
randomize(adapter.parameters(), 0.2);
await savePeftAdapter(join(folder, 'adapter'), adapter);
const texts = Array.from({ length: 400 }, (_, i) => someText(key.fold('text').fold(i)));
const ids = texts.map((text) => [...processor.tokenizer.encode(text)]);
const bytes = new QwenVlTokenizer(byteTokenizer(), {});
const strange = Array.from({ length: 400 }, (_, i) => strangeText(key.fold('strange').fold(i)));
const sizes = [
  [64, 48],
  [333, 77],
  [29, 500],
] as const;
write('ours.json', {
  ...{ prompt: shown(prompt), next: shown(next), base, adapted: logits(prompt), texts, ids },
  ...{ plan: said(plan!), reflection: said(reflection!), most: MOST },
  strange: strange.map((text) => ({ text, ids: [...bytes.encode(text)] })),
  decoded: ids.map((own) => processor.tokenizer.decode(own)),
  chat: processor.template.render(LINE_FORM.plan({ ...task, references: [edited] })),
  messages: LINE_FORM.plan({ ...task, references: [edited] }).map(({ role, content }) => ({
    role,
    content: content.map((part) =>
      typeof part === 'string' ? { type: 'text', text: part } : { type: 'image' },
    ),
  })),
  pictures: sizes.map(([width, height]) => {
    const image = picture(width, height);
    return { width, height, bytes: [...pixelsOf(image).data], patches: [...patchesOf([image]).data] };
  }),
});
const peer = fileURLToPath(new URL('./peers/vision_language.py', import.meta.url));
const lines = execFileSync(options.python, [peer, folder], { encoding: 'utf8' }).split('\n');
console.log(JSON.parse(lines.at(-2)!));
rmSync(folder, { recursive: true });

/** Writes a model folder with made-up weights. */
async function writeModel(): Promise<void> {
  const made = new QwenVl(parseConfig(CONFIG));
  randomize(made.parameters(), 0.15);
  await saveParameters(join(folder, 'model.safetensors'), made.parameters(), { metadata: { format: 'pt' } });
  made.dispose();
  write('config.json', CONFIG);
  write('tokenizer.json', tinyTokenizer());
  write('bytes.json', byteTokenizer());
  write('tokenizer_config.json', { chat_template: TEMPLATE });
  write('preprocessor_config.json', PATCHES);
}

/** The likeliest plan, and the likeliest reflection on an edit. */
async function think() {
  const session = await new QwenVlPolicy({ model, processor, maxTokens: MOST }).begin([task], 2);
  const request = { sampling: { temperature: 0 }, keys: key.split(2) };
  const [plan] = await session.plan(request);
  const [, reflection] = await session.reflect([0, 1], [edited, edited], request);
  session.dispose();
  return [plan, reflection];
}

function logits({ ids, patches }: EncodedText): readonly number[] {
  const size = { rows: 1, tokens: ids.length };
  const places = { grids: patches.grids, imageToken: CONFIG.image_token_id, merge: 2 };
  const positions = positionRows([{ positions: positionsOf(ids, places), row: 0, start: 0 }], size);
  return [...tf.tidy(() => model.logits(model.forward({ ids, patches, ...size }, { positions })).dataSync())];
}

function shown({ ids, patches }: EncodedText) {
  const grid = patches.grids.map(({ frames, rows, columns }) => [frames, rows, columns]);
  return { ids: [...ids], patches: [...patches.data], grid };
}

function said({ tokens, logProbs }: { readonly tokens: Int32Array; readonly logProbs: Float32Array }) {
  return { tokens: [...tokens], logProbs: [...logProbs] };
}

function picture(width: number, height: number): Image {
  const stream = key.fold('picture').fold(width).fold(height).stream();
  return { width, height, data: Float32Array.from({ length: width * height * 3 }, () => stream.uniform()) };
}

/** ASCII with spaces, digits, contractions and special tokens. */
function someText(from: Key): string {
  const stream = from.stream();
  const parts = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
  parts.push('\n', '\n', '  ', ' the ', " don't ", "WE'LL", '<|im_end|>', '<|image_pad|>', '12');
  return Array.from({ length: 1 + stream.integer(40) }, () => stream.pick(parts)).join('');
}

/** Letters of many scripts, marks, digits, spaces and line ends, emoji. */
function strangeText(from: Key): string {
  const stream = from.stream();
  const ranges = [
    ...[0x20, 0xa0, 0x300, 0x370, 0x5d0, 0x620, 0x660, 0x900, 0x966, 0xe00, 0x1100, 0x1e00, 0x2000],
    ...[0x2070, 0x2150, 0x3000, 0x3040, 0x4e00, 0xac00, 0xff10, 0x1d7d0, 0x1f600, 0x1f1e6],
  ];
  const parts = ['\r\n', '\n', '\t', '  ', " don't", ' the', 'e\u0301', '<|im_end|>', '12'];
  const draw = () => String.fromCodePoint(stream.pick(ranges) + stream.integer(48));
  return Array.from({ length: 1 + stream.integer(30) }, () =>
    stream.uniform() < 0.3 ? stream.pick(parts) : draw(),
  ).join('');
}

function randomize(parameters: ParameterMap, deviation: number): void {
  for (const [name, variable] of parameters)
    tf.tidy(() => {
      const draws = tf.reshape(keyedNormal([key.fold(name)], variable.shape), variable.shape);
      const center = /norm|ln_q/.test(name) ? 1 : 0;
      variable.assign(tf.add(tf.mul(draws, deviation), center));
    });
}
