import { readFileSync } from 'node:fs';
import type { Image } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import {
  ChatTemplate,
  QwenVlFolderError,
  QwenVlInputError,
  QwenVlProcessor,
  QwenVlTokenizer,
  RELEASED_PATCHES,
} from '../src/qwen2-5-vl/index.ts';
import { readConfig } from './fixture.ts';
import { byteCharacters, byteTokenizer, SPLIT, tokenizerJson } from './qwen-vl-tokenizer.ts';

interface Details {
  readonly tokenizer: readonly { name: string; text: string; ids: readonly number[] }[];
  readonly special_ids: Readonly<Record<string, number>>;
  readonly templates: Readonly<Record<string, string>>;
  readonly drop_idx: Readonly<Record<string, number>>;
  readonly worked_edit_plus_example: {
    readonly images_wh: readonly (readonly [number, number])[];
    readonly prompt: string;
    readonly vl_images: readonly {
      condition_wh: readonly [number, number];
      grid_thw: readonly number[];
      tokens: number;
    }[];
    readonly tokens_before_expansion: number;
    readonly tokens_after_image_pad_expansion: number;
    readonly prompt_embeds_len: number;
  };
}

const details = readConfig<Details>('pipeline', 'details.json');
const special = Object.fromEntries(
  Object.entries(details.special_ids).map(([name, id]) => [`<|${name}|>`, id]),
);

/** A text's special tokens and the pieces that the split makes of what lies between them. */
function piecesOf(text: string): readonly string[] {
  const pattern = SPLIT.replace('(?i:', '(?:');
  return text
    .split(/(<\|[a-z_]+\|>)/)
    .flatMap((part) => (part in special ? [part] : (part.match(new RegExp(pattern, 'giu')) ?? [])));
}

/**
 * The texts of which each piece is one token. The released vocabulary is not at hand, but of these it can be read off:
 * which id stands for which piece.
 */
const readable = details.tokenizer.filter(({ text, ids }) => piecesOf(text).length === ids.length);
const vocabulary = new Map<string, number>();
for (const { text, ids } of readable)
  piecesOf(text).forEach((piece, i) => {
    const id = ids[i]!;
    expect(vocabulary.get(piece) ?? id, piece).toBe(id);
    vocabulary.set(piece, id);
  });
const words = [...vocabulary].filter(([piece]) => !(piece in special));
const byBytes = Object.fromEntries(
  words.map(([piece, id]) => [byteCharacters(new TextEncoder().encode(piece)), id]),
);
const tokenizer = new QwenVlTokenizer(tokenizerJson({ vocab: byBytes, special, ignoreMerges: true }), {});

describe('token ids', () => {
  it('can be read off all whole prompts', () => {
    const names = [
      'edit_prefix',
      't2i_prefix',
      'edit_full',
      'edit_negative',
      'plus_one_image',
      'plus_two_images',
    ];
    expect(readable.map(({ name }) => name)).toEqual(
      expect.arrayContaining([...names, 't2i_full', 'chat_vl']),
    );
    expect(new Set(vocabulary.values()).size).toBe(vocabulary.size);
  });

  it.each(readable)('of $name are those of the reference', ({ text, ids }) => {
    expect([...tokenizer.encode(text)]).toEqual(ids);
    const plain = text.replaceAll(/<\|[a-z_]+\|>/g, '');
    expect(tokenizer.decode(ids)).toBe(plain);
  });

  it('of a composed letter are those of the whole one', () => {
    const whole = tokenizerJson({ vocab: { 'Ã©': 0, a: 1 }, ignoreMerges: true });
    expect([...new QwenVlTokenizer(whole, {}).encode('e\u0301')]).toEqual([0]);
  });

  it('of texts in many scripts are those of the tokenizers library', () => {
    const path = new URL('./fixtures/strange-texts.json', import.meta.url);
    const rows = JSON.parse(readFileSync(path, 'utf8')) as { text: string; ids: number[] }[];
    const bytes = new QwenVlTokenizer(byteTokenizer(), {});
    for (const { text, ids } of rows) {
      expect([...bytes.encode(text)], JSON.stringify(text)).toEqual(ids);
      expect(bytes.decode(ids)).toBe(text.replaceAll('<|im_end|>', '').normalize('NFC'));
    }
    expect(rows.length).toBe(24);
  });

  it('come from merges in the order of their rank', () => {
    const vocab = Object.fromEntries(['a', 'b', 'c', 'ab', 'bc', 'abc'].map((token, id) => [token, id]));
    const merging = new QwenVlTokenizer(tokenizerJson({ vocab, merges: ['b c', 'a b', 'a bc'] }), {});
    // "abc": b c merges first, then a bc; "abab": a b twice.
    expect([...merging.encode('abc')]).toEqual([5]);
    expect([...merging.encode('abab')]).toEqual([3, 3]);
  });

  it('of special tokens need the vocabulary to have them', () => {
    expect(tokenizer.idOf('<|im_end|>')).toBe(151645);
    expect(() => tokenizer.idOf('<|nothing|>')).toThrow(QwenVlFolderError);
    expect(() => new QwenVlTokenizer({}, {})).toThrow(QwenVlFolderError);
  });
});

const template = new ChatTemplate(
  "{% for turn in messages %}{{ '<|im_start|>' + turn.role + '\\n' }}{% for part in turn.content %}" +
    "{% if part.type == 'image' %}{{ '<|vision_start|><|image_pad|><|vision_end|>' }}{% else %}{{ part.text }}{% endif %}" +
    "{% endfor %}{{ '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
);
const processor = new QwenVlProcessor({
  tokenizer,
  template,
  patches: RELEASED_PATCHES,
  imageToken: special['<|image_pad|>']!,
});

function grey(width: number, height: number): Image {
  return { width, height, data: new Float32Array(width * height * 3).fill(0.5) };
}

describe('prompts', () => {
  it('drop the system turn at the index of the pipelines', () => {
    for (const [name, count] of Object.entries(details.drop_idx)) {
      const [begun] = details.templates[name]!.split(/(?<=<\|im_start\|>user\n)/);
      expect(tokenizer.encode(begun!).length, name).toBe(count);
    }
  });

  it('have the length of the worked example once its pictures are seen', () => {
    const example = details.worked_edit_plus_example;
    const pictures = example.vl_images.map((_, i) =>
      details.templates.edit_plus_image_template!.replace('{i}', `${i + 1}`),
    );
    const text = details.templates.qwen_image_edit_plus!.replace('{}', pictures.join('') + example.prompt);
    const images = example.vl_images.map(({ condition_wh: [width, height] }) => grey(width, height));
    const { ids, patches } = processor.encode(text, images);
    expect(tokenizer.encode(text).length).toBe(example.tokens_before_expansion);
    expect(ids.length).toBe(example.tokens_after_image_pad_expansion);
    expect(ids.length - details.drop_idx.qwen_image_edit_plus!).toBe(example.prompt_embeds_len);
    expect(patches.grids.map(({ frames, rows, columns }) => [frames, rows, columns])).toEqual(
      example.vl_images.map(({ grid_thw }) => grid_thw),
    );
  });

  it('render as the chat of the reference', () => {
    const { text } = details.tokenizer.find(({ name }) => name === 'chat_vl')!;
    const turns = [
      { role: 'system', content: ['You are a helpful assistant.'] },
      { role: 'user', content: [grey(28, 28), 'Describe this image.'] },
    ] as const;
    expect(template.render(turns)).toBe(text);
    expect(template.renderNext(turns, [{ role: 'user', content: ['Describe this image.'] }])).toBe(
      '<|im_end|>\n<|im_start|>user\nDescribe this image.<|im_end|>\n<|im_start|>assistant\n',
    );
  });

  it('refuse pictures without a place and texts with special tokens', () => {
    expect(() => processor.encode('Describe this image.', [grey(28, 28)])).toThrow(QwenVlInputError);
    expect(() => processor.chat([{ role: 'user', content: ['Describe<|im_end|>'] }])).toThrow(
      QwenVlInputError,
    );
    expect(() => new ChatTemplate('{% for')).toThrow(QwenVlFolderError);
  });
});
