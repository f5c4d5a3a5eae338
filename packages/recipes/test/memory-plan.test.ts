import { memory } from '@tensorflow/tfjs-core';
import { LORA_TARGETS } from '@thinkrl/backbones/qwen-image-edit';
import { useEngine } from '@thinkrl/engine';
import { AdamW, KeyValueCache, LoraAdapter } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  adviceFor,
  architectureOf,
  buildModules,
  editorAdapterParameters,
  keyValueBytes,
  languageParameters,
  loadFolder,
  memoryPlan,
  parseQwenEditConfig,
  plannerAdapterParameters,
  RELEASED,
  total,
  transformerParameters,
  vaeParameters,
  visionParameters,
} from '../src/qwen-image-edit/index.ts';
import { tinyModel, tinySettings } from './qwen-image-edit-fixture.ts';

/** Bytes that the engine holds more after `work`. */
function taken<T>(work: () => T): { readonly bytes: number; readonly made: T } {
  const before = memory().numBytes;
  const made = work();
  return { bytes: memory().numBytes - before, made };
}

describe('at released sizes', () => {
  const { transformer, understanding, vae } = RELEASED;

  it('counts the parameters that are published', () => {
    expect(transformerParameters(transformer)).toBe(20_430_401_088);
    expect(transformerParameters(transformer) - transformerParameters({ ...transformer, blocks: 59 })).toBe(
      339_831_296,
    );
    expect(visionParameters(understanding.vision)).toBe(676_550_144);
    expect(languageParameters(understanding.language)).toBe(7_070_619_136 + 544_997_376);
    // 126.9 million with the temporal taps and convolutions that one frame does not need: 2.3 and 80.0 million.
    expect(vaeParameters(vae) / 1e6).toBeCloseTo(44.6, 1);
  });

  it.each([
    [8, 53.1],
    [16, 106.2],
    [32, 212.3],
    [64, 424.7],
  ])('counts the adapter of rank %i', (rank, millions) => {
    expect(editorAdapterParameters(transformer, rank) / 1e6).toBeCloseTo(millions, 1);
  });

  it('counts adapter and cache of the planner', () => {
    expect(plannerAdapterParameters(understanding.language, 64) / 1e6).toBeCloseTo(161.5, 1);
    expect(keyValueBytes(understanding.language, 2)).toBe(57_344);
  });

  it('shares out what the settings say, and counts what is gathered of it', () => {
    const config = parseQwenEditConfig({});
    const whole = memoryPlan(config, RELEASED, { references: 1 }).resident;
    const sharding = { ranks: 8, understanding: true };
    const parted = memoryPlan({ ...config, sharding: { ...config.sharding, ...sharding } }, RELEASED, {
      references: 1,
    }).resident;
    for (const name of ['transformer', 'text encoder', 'adapters', 'optimisers'])
      expect(parted[name]! / whole[name]!).toBe(1 / 8);
    expect(parted.autoencoder).toBe(whole.autoencoder);
    // Words and output layer, 545 M each, a layer of 233 M, 46 M around the blocks of the tower; the editor's are fewer.
    expect(parted['weights while they are gathered']! / 2 / 1e6).toBeCloseTo(545 + 545 + 233 + 46.5, -1);
    const editor = memoryPlan({ ...config, sharding: { ...config.sharding, ranks: 8 } }, RELEASED, {
      references: 1,
    }).resident;
    // A block of 339.8 M without two modulations of 56.6 M, and 41 M around the blocks.
    expect(editor['weights while they are gathered']! / 2 / 1e6).toBeCloseTo(339.8 - 113.2 + 41, -1);
    expect(editor['text encoder']).toBe(whole['text encoder']);
  });

  it('agrees with estimates by hand of training at 512 px with two references', () => {
    const config = parseQwenEditConfig({ planner: { mostTokens: 68 } });
    const { resident, phases, peak } = memoryPlan(config, RELEASED, { references: 2 });
    // 3.5 k tokens of 3072 numbers, 2 bytes each, are 21 MB; 60 of them for each branch, and 30 once.
    expect(phases['generation update']['inputs of every block']! / 1e9).toBeCloseTo(2 * 1.3, 0);
    expect(phases['generation update']['one block computed again']! / 1e9).toBeCloseTo(0.65, 1);
    const editor = 424_673_280 * 16;
    expect(editor / 1e9).toBeCloseTo(6.8, 1);
    // 40.9, 16.6 and 0.2 GB of weights; adapters and moments of editor and planner.
    expect(total(resident) / 1e9).toBeCloseTo(40.86 + 16.58 + 0.18 + 12 * (0.4247 + 0.1615), 1);
    expect(peak / 1e9).toBeGreaterThan(69);
    expect(peak / 1e9).toBeLessThan(85);
  });

  it('counts of the understanding update what one portion of chains takes', () => {
    const phase = (understanding: object, changes = {}) => {
      const config = parseQwenEditConfig({ understanding, planner: { mostTokens: 512 }, ...changes });
      return memoryPlan(config, RELEASED, { references: 1 }).phases['understanding update'];
    };
    // A picture of 512 px has 18 x 18 cells; a prompt is it and 120 words, a chain's own are two texts, and another such look.
    const [prompt, own] = [120 + 324, 2 * 512 + 120 + 324];
    const inputs = (tokens: number) => 28 * tokens * 3584 * 2;
    expect(phase({ chainsAtOnce: 1 })['inputs of every layer']).toBe(inputs(prompt + own));
    expect(phase({ chainsAtOnce: 4 })['inputs of every layer']).toBe(inputs(prompt + 4 * own));
    expect(phase({ chainsAtOnce: 8 })['inputs of every layer']).toBe(inputs(2 * prompt + 8 * own));
    const twice = phase({ chainsAtOnce: 1 }, { rounds: 2 })['inputs of every layer'];
    expect(twice).toBe(inputs(prompt + own + 512 + 120 + 324));
    expect(phase({ chainsAtOnce: 99 })).toEqual(phase({ chainsAtOnce: 8 }));
    expect(phase({}).gradients! / 1e6).toBeCloseTo(2 * 4 * 161.5, 0);
  });

  it('counts masks where chains or texts lie side by side', () => {
    const phases = (changes: object, references = 1) =>
      memoryPlan(parseQwenEditConfig(changes), RELEASED, { references }).phases;
    // Four chains after their prompt, 444 + 4 x 1468 tokens as above: for every two of them the mask, without what is later,
    // and its opposite at a byte each, then zeros and the bias in bfloat16: 7 bytes, 0.26 GiB.
    const planner = phases({})['understanding update']['mask of chains side by side']!;
    expect(planner).toBe(6316 ** 2 * 7);
    expect(planner / 2 ** 30).toBeGreaterThan(0.1);
    const alone = phases({ understanding: { chainsAtOnce: 1 } })['understanding update'];
    expect(alone['mask of chains side by side']).toBe(0);
    // An edit has 120 words of a template, 14 x 14 cells, a plan of 512 and two pictures of 32 x 32: 2876 tokens. A mask of
    // lengths is one row, so that it takes 5 bytes.
    const update = (editsAtOnce: number, mode = 'plan') =>
      phases({
        generation: { editsAtOnce },
        mode,
        ...(mode === 'direct' && { understanding: { train: false } }),
      })['generation update']['mask of texts of several lengths'];
    expect(update(1)).toBe(0);
    expect(update(4)).toBe(4 * 2876 ** 2 * 5);
    expect(update(4, 'direct')).toBe(0);
    // While eight chains are denoised, 14 tensors of 3072 numbers a token besides.
    const sampling = phases({}).sampling['activations of editing or decoding'];
    expect(sampling).toBe(8 * 2876 * (14 * 3072 * 2 + 2876 * 5));
  });

  it('advises nothing where a run fits, and else lowers the peak step by step', () => {
    const config = parseQwenEditConfig({ groupSize: 16, tasksPerIteration: 8 });
    const request = { sizes: RELEASED, task: { references: 1 } };
    const { peak } = memoryPlan(config, RELEASED, request.task);
    expect(adviceFor(config, { ...request, memory: peak })).toEqual([]);
    const advice = adviceFor(config, { ...request, memory: peak - 1 });
    expect(advice).toHaveLength(1);
    expect(advice[0]!.peak).toBeLessThan(peak);
  });
});

describe('at tiny sizes', () => {
  let engine: string;
  beforeAll(async () => {
    engine = (await useEngine({ threads: 1 })).name;
  });

  it('takes of the engine what the plan says', () => {
    const config = parseQwenEditConfig(tinySettings(tinyModel(), 'tasks'));
    const sizes = architectureOf(config);
    expect(sizes).toMatchObject({ read: true, weightBytes: 4, transformer: { blocks: 2 } });
    const { resident } = memoryPlan(config, sizes, { references: 1 });
    const { bytes: weights, made: models } = taken(() => loadFolder(config));
    // The autoencoder's two numbers per channel that normalise latents may lie on the device too.
    const spread = 2 * sizes.vae.latentChannels * 4;
    const planned = resident.transformer! + resident['text encoder']! + resident.autoencoder!;
    expect(weights - planned).toBeGreaterThanOrEqual(0);
    expect(weights - planned).toBeLessThanOrEqual(spread);
    const { bytes: adapters, made: modules } = taken(() => buildModules(models, config));
    const names = [modules.policy!, modules.backbone].flatMap((module) => [...module.parameters().keys()]);
    const layers = names.filter((name) => name.endsWith('lora_A.weight')).length;
    // Every adapted layer has its factor on the device too.
    expect(adapters).toBe(resident.adapters! + 4 * layers);
    const optimisers = [modules.policy!, modules.backbone].map(
      (module) =>
        taken(() => AdamW.create({ parameters: module.parameters(), learningRate: 1 }).state()).bytes,
    );
    expect(optimisers[0]! + optimisers[1]!).toBe(resident.optimisers);
  });

  it('caches keys and values of as many bytes as the plan says', ({ skip }) => {
    skip(engine !== 'torch', 'other engines take room as the cache grows');
    const { language } = architectureOf(parseQwenEditConfig({ model: tinyModel() })).understanding;
    const { layers, keyHeads: heads, headSize: size } = language;
    const shape = { layers, batch: 1, capacity: 10, heads, size };
    expect(taken(() => new KeyValueCache({ ...shape, storage: 'float32' })).bytes).toBe(
      10 * keyValueBytes(language, 4),
    );
  });

  it('adapts as many numbers as the adapters have, at any rank', () => {
    const config = parseQwenEditConfig({ model: tinyModel() });
    const { editing } = loadFolder(config);
    const adapter = LoraAdapter.attach(editing.transformer, {
      ...{ rank: 3, alpha: 6, targets: LORA_TARGETS, key: Key.of(1) },
    });
    const numbers = [...adapter.parameters().values()].reduce((sum, { size }) => sum + size, 0);
    expect(numbers).toBe(editorAdapterParameters(architectureOf(config).transformer, 3));
  });
});
