import { dynamicMu } from '@thinkrl/edit-generator';
import type { Image } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import { QwenImageFolderError, QwenImageInputError } from '../src/qwen-image-edit/error.ts';
import {
  DROPPED_TOKENS,
  editPrompt,
  outputSize,
  prepareCondition,
} from '../src/qwen-image-edit/pipeline/pipeline.ts';
import { parseScheduler } from '../src/qwen-image-edit/pipeline/scheduler.ts';
import { sizeOfArea, tokenSize } from '../src/qwen-image-edit/pipeline/sizes.ts';
import { ropeTables } from '../src/qwen-image-edit/transformer/rope.ts';
import { useCpu } from './engine.ts';
import { deviation, openTensors, readConfig } from './fixture.ts';

type Pair = readonly [number, number];

interface Details {
  readonly templates: Record<string, string>;
  readonly drop_idx: Record<string, number>;
  readonly tokenizer: readonly {
    readonly name: string;
    readonly text: string;
    readonly ids: readonly number[];
  }[];
  readonly dimensions: readonly {
    readonly input_wh: Pair;
    readonly vae_wh: Pair;
    readonly condition_wh: Pair;
    readonly area512_wh: Pair;
  }[];
  readonly worked_edit_plus_example: {
    readonly prompt: string;
    readonly images_wh: readonly Pair[];
    readonly output_wh: Pair;
    readonly vl_images: readonly { readonly condition_wh: Pair }[];
    readonly img_shapes: readonly (readonly (readonly [number, number, number])[])[];
    readonly noisy_tokens: number;
    readonly mu: number;
    readonly text_rope_offset: number;
  };
}

const details = readConfig<Details>('pipeline', 'details.json');
const size = ([width, height]: Pair) => ({ width, height });
const grey = ([width, height]: Pair): Image => ({
  width,
  height,
  data: new Float32Array(width * height * 3).fill(0.5),
});

describe('sizes', () => {
  it.each(details.dimensions.map((row) => [row.input_wh.join(' x '), row] as const))('%s', (_, row) => {
    const input = size(row.input_wh);
    expect(sizeOfArea(input, 1024 ** 2)).toEqual(size(row.vae_wh));
    expect(sizeOfArea(input, 384 ** 2)).toEqual(size(row.condition_wh));
    expect(sizeOfArea(input, 512 ** 2)).toEqual(size(row.area512_wh));
  });

  it('are of the first reference in Edit, of the last in Edit-Plus, or one for all', () => {
    const references = details.worked_edit_plus_example.images_wh.map(size);
    expect(outputSize('edit-plus', references)).toEqual(size(details.worked_edit_plus_example.output_wh));
    expect(outputSize('edit', references)).toEqual(sizeOfArea(references[0]!, 1024 ** 2));
    const fixed = { size: { width: 530, height: 511 } };
    expect(outputSize('edit-plus', references, fixed)).toEqual({ width: 528, height: 496 });
    expect(tokenSize({ width: 32, height: 48 })).toEqual({ width: 32, height: 48 });
  });
});

describe('prompts', () => {
  const prefix = details.tokenizer.find(({ name }) => name === 'edit_prefix')!;

  it('are those that the released models know', () => {
    const text = (name: string) => details.tokenizer.find((entry) => entry.name === name)!.text;
    const instruction = (name: string) => /<\|vision_end\|>(.*)<\|im_end\|>/.exec(text(name))![1]!;
    expect(editPrompt('edit', instruction('edit_full'))).toBe(text('edit_full'));
    expect(editPrompt('edit', ' ')).toBe(text('edit_negative'));
    expect(editPrompt('edit-plus', instruction('plus_one_image'))).toBe(text('plus_one_image'));
    expect(editPrompt('edit-plus', details.worked_edit_plus_example.prompt, 2)).toBe(text('plus_two_images'));
  });

  it('begin with as many tokens as are left out', () => {
    expect(DROPPED_TOKENS).toBe(prefix.ids.length);
    expect(DROPPED_TOKENS).toBe(details.drop_idx.qwen_image_edit);
    expect(editPrompt('edit', 'x').startsWith(prefix.text)).toBe(true);
    expect(editPrompt('edit-plus', 'x', 3).startsWith(prefix.text)).toBe(true);
  });
});

describe('conditions', () => {
  const example = details.worked_edit_plus_example;

  it('show Edit-Plus copies of the originals', async () => {
    await useCpu();
    const references = example.images_wh.map(grey);
    const prepared = prepareCondition('edit-plus', { references, text: 'x' });
    expect(prepared.size).toEqual(size(example.output_wh));
    expect(prepared.seen.map(({ width, height }) => [width, height])).toEqual(
      example.vl_images.map(({ condition_wh: extent }) => extent),
    );
    const grids = [prepared.size, ...prepared.references].map(({ width, height }) => ({
      height: height / 16,
      width: width / 16,
    }));
    expect(grids).toEqual(example.img_shapes[0]!.map(([, height, width]) => ({ height, width })));
    expect(dynamicMu(grids[0]!.height * grids[0]!.width)).toBeCloseTo(example.mu, 12);
    const { cosine } = ropeTables({ grids: [grids[0]!, grids[1]!], textTokens: 1 }, [16, 56, 56]);
    expect(cosine.dataSync()[0]).toBeCloseTo(Math.cos(example.text_rope_offset), 6);
  });

  it('show Edit one picture at the size of the result', () => {
    // sqrt(4096 * 2) = 90.5 by 45.3, in multiples of 32.
    const image = grey([192, 96]);
    const prepared = prepareCondition('edit', { references: [image], text: 'x' }, { area: 64 ** 2 });
    expect(prepared.size).toEqual({ width: 96, height: 32 });
    expect(prepared.seen).toBe(prepared.references);
    expect(prepared.seen[0]!.data.every((value) => Math.abs(value - 128 / 255) < 1e-6)).toBe(true);
    const small = grey([64, 64]);
    const kept = prepareCondition('edit', { references: [small], text: 'x' }, { area: 64 ** 2 });
    expect(kept.seen[0]).toBe(small);
  });

  it('are refused without pictures, or with more than the pipeline takes', () => {
    const one = grey([32, 32]);
    expect(() => prepareCondition('edit-plus', { references: [], text: 'x' })).toThrow(QwenImageInputError);
    expect(() => prepareCondition('edit', { references: [one, one], text: 'x' })).toThrow(/Edit-Plus/);
    for (const token of ['<|image_pad|>', '<|im_end|>', '<|endoftext|>'])
      expect(() => prepareCondition('edit', { references: [one], text: `a${token}b` })).toThrow(token);
  });
});

describe('schedules', () => {
  interface Scheduler {
    readonly released_config: object;
    readonly lightning_config: object;
    readonly cases: readonly {
      readonly name: string;
      readonly config: 'released' | 'lightning';
      readonly image_seq_len: number;
      readonly steps: number;
    }[];
  }
  const scheduler = readConfig<Scheduler>('scheduler');
  const file = openTensors('scheduler', 'outputs.safetensors');

  it.each(scheduler.cases.map((found) => [found.name, found] as const))('%s', (name, found) => {
    const schedule = parseScheduler(scheduler[`${found.config}_config`]);
    const sigmas = schedule(found.steps)(found.image_seq_len);
    expect(deviation(sigmas, file.values(`${name}.sigmas`))).toBeLessThan(1e-6);
  });

  it('with a static shift', () => {
    const sigmas = parseScheduler({ shift: 3 })(10)(4096);
    expect(deviation(sigmas, file.values('static_shift3.steps10.sigmas'))).toBeLessThan(1e-6);
  });

  it('are refused where they are not built', () => {
    expect(() => parseScheduler({ use_karras_sigmas: true })).toThrow(QwenImageFolderError);
    expect(() => parseScheduler({ shift: 'x' })).toThrow(/shift/);
    expect(() => parseScheduler(null)).toThrow(QwenImageFolderError);
  });
});
