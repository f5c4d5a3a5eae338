import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { gradients, KeyValueCache, LoraAdapter, loadParameters, mapTensors } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import { beforeAll, describe, expect, it } from 'vitest';
import type { QwenVl, TokenRows } from '../src/qwen2-5-vl/model.ts';
import { CURRENT_NAMES } from '../src/qwen2-5-vl/names.ts';
import { type PositionRows, positionRows, positionsOf, rotaryTables } from '../src/qwen2-5-vl/positions.ts';
import { engines } from './engine.ts';
import { deviation, openTensors, readConfig } from './fixture.ts';
import {
  gap,
  grads,
  gridsOf,
  inputs,
  outputs,
  patchesOfCase,
  REFERENCE,
  referenceModel,
  share,
} from './qwen-vl-fixture.ts';

const TOLERANCE = 1e-4;
const NOTHING = { shape: [0], data: new Float32Array(0) };

interface Case {
  readonly rows: TokenRows;
  readonly positions: PositionRows;
  /** Position of the next word of each row. */
  readonly next: readonly number[];
  /** 1 where a row has a token. */
  readonly mask: readonly (readonly number[])[];
}

/** The tokens of a case of the fixtures and the positions that we give them. */
function readCase(model: QwenVl, name: string): Case {
  const { shape } = inputs.tensor(`${name}.input_ids`) as tf.Tensor2D;
  const [rows, tokens] = shape;
  const ids = Int32Array.from(inputs.values(`${name}.input_ids`));
  const pictured = inputs.names.includes(`${name}.image_grid_thw`);
  const masked = inputs.names.includes(`${name}.attention_mask`);
  const marks = masked ? inputs.values(`${name}.attention_mask`) : new Float32Array(ids.length).fill(1);
  const { imageToken, vision } = model.config;
  let grids = pictured ? [...gridsOf(name)] : [];
  const laid = Array.from({ length: rows }, (_, row) => {
    const own = [...marks.subarray(row * tokens, (row + 1) * tokens)];
    const start = own.indexOf(1);
    const words = ids.subarray(row * tokens + start, row * tokens + own.lastIndexOf(1) + 1);
    const pictures = words.reduce(
      (count, id, i) => count + Number(id === imageToken && words[i - 1] !== imageToken),
      0,
    );
    const positions = positionsOf(words, {
      grids: grids.slice(0, pictures),
      imageToken,
      merge: vision.merge,
    });
    grids = grids.slice(pictures);
    return { positions, row, start, own };
  });
  return {
    rows: { ids, rows, tokens, ...(pictured && { patches: patchesOfCase(name) }) },
    positions: positionRows(laid, { rows, tokens }),
    next: laid.map(({ positions }) => positions.next),
    mask: laid.map(({ own }) => own),
  };
}

function hiddenOf(model: QwenVl, { rows, positions, mask }: Case, x = model.embed(rows)): tf.Tensor3D {
  const padded = mask.some((row) => row.includes(0));
  const visible = padded ? tf.tensor4d(mask.flat(), [rows.rows, 1, 1, rows.tokens], 'bool') : undefined;
  return model.language.forward(x, { rotary: rotaryTables(positions, model.config.language), mask: visible });
}

describe.each(await engines())('language model on %s', (engine) => {
  let model: QwenVl;
  beforeAll(async () => {
    await useEngine({ engine, threads: 1 });
    model = referenceModel();
  });

  it.each(['lm_edit', 'lm_text', 'lm_pad_left', 'lm_pad_right'])(
    'gives tokens of %s the positions of the reference',
    (name) => {
      const { positions, next, rows } = readCase(model, name);
      expect([...positions.axes]).toEqual([...outputs.values(`${name}.position_ids`)]);
      expect(next.map((end) => end - rows.tokens)).toEqual([...outputs.values(`${name}.rope_deltas`)]);
    },
  );

  it('turns heads by the angles of the reference', () => {
    tf.tidy(() => {
      const { positions, rows } = readCase(model, 'lm_edit');
      const { sections, headSize } = model.config.language;
      const axisOf = sections.flatMap((count, axis) => new Array<number>(count).fill(axis));
      const rotary = rotaryTables(positions, model.config.language);
      for (const [table, name] of [
        [rotary.cosine, 'cos'],
        [rotary.sine, 'sin'],
      ] as const) {
        const all = outputs.values(`lm_edit.${name}`);
        const expected = Float32Array.from({ length: rows.tokens * axisOf.length }, (_, i) => {
          const [token, angle] = [Math.floor(i / axisOf.length), i % axisOf.length];
          return all[(axisOf[angle]! * rows.tokens + token) * headSize + angle]!;
        });
        expect(deviation(table.dataSync(), expected)).toBeLessThanOrEqual(1e-6);
      }
    });
  });

  it('passes through the intermediates of the reference', () => {
    tf.tidy(() => {
      const { rows, positions } = readCase(model, 'lm_edit');
      const rotary = rotaryTables(positions, model.config.language);
      const near = (x: tf.Tensor, name: string) =>
        expect(gap(x, `lm_edit.${name}`), name).toBeLessThanOrEqual(TOLERANCE);
      let x = model.embed(rows);
      near(x, 'inputs_embeds');
      near(x, 'hidden_states.0');
      model.language.layers.forEach((layer, i) => {
        if (i === 0) {
          const normed = layer.attentionNorm.forward(x);
          const mixed = layer.attention.forward(normed, { rotary });
          near(normed, 'layer0.input_layernorm');
          near(layer.attention.query.forward(normed), 'layer0.q_proj');
          near(mixed, 'layer0.self_attn');
          near(layer.feedForward.forward(layer.feedForwardNorm.forward(tf.add(x, mixed))), 'layer0.mlp');
        }
        x = layer.forward(x, { rotary });
        if (i < model.config.language.layers - 1) near(x, `hidden_states.${i + 1}`);
      });
      near(x, 'last_layer_pre_norm');
      near(model.language.norm.forward(x), `hidden_states.${model.config.language.layers}`);
    });
  });

  it('gives the logits, log-probabilities and prompt embeddings of the reference', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const edit = readCase(model, 'lm_edit');
      const hidden = hiddenOf(model, edit);
      expect(gap(hidden, `lm_edit.hidden_states.${model.config.language.layers}`)).toBeLessThanOrEqual(
        TOLERANCE,
      );
      expect(gap(model.logits(hidden), 'lm_edit.logits')).toBeLessThanOrEqual(TOLERANCE);
      const embeds = outputs.names.find((name) => name.startsWith('lm_edit.prompt_embeds_drop'))!;
      const kept = tf.slice(hidden, [0, Number(/\d+$/.exec(embeds)![0]), 0], [1, -1, -1]);
      expect(gap(kept, embeds)).toBeLessThanOrEqual(TOLERANCE);
      const before = tf.squeeze(
        tf.slice(hidden, [0, 0, 0], [1, edit.rows.tokens - 1, -1]),
        [0],
      ) as tf.Tensor2D;
      const { logProbs } = model.tokenScores(before, tf.tensor1d(edit.rows.ids.slice(1), 'int32'), new Map());
      expect(gap(logProbs, 'lm_edit.logprobs_next_token')).toBeLessThanOrEqual(TOLERANCE);
      expect(
        gap(model.logits(hiddenOf(model, readCase(model, 'lm_text'))), 'lm_text.logits'),
      ).toBeLessThanOrEqual(TOLERANCE);
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each(['lm_pad_left', 'lm_pad_right'])('sees no padding in %s', (name) => {
    tf.tidy(() => {
      const padded = readCase(model, name);
      const hidden = hiddenOf(model, padded);
      const marks = tf.tensor3d(padded.mask.flat(), [padded.rows.rows, padded.rows.tokens, 1]);
      expect(gap(tf.mul(hidden, marks), `${name}.last_hidden_masked`)).toBeLessThanOrEqual(TOLERANCE);
      expect(gap(tf.mul(model.logits(hidden), marks), `${name}.logits_masked`)).toBeLessThanOrEqual(
        TOLERANCE,
      );
    });
  });

  it('decodes with a cache to the tokens and logits of the reference', () => {
    const { keyHeads, headSize, layers } = model.config.language;
    const edit = readCase(model, 'lm_edit');
    const { kv_tokens: tokens } = readConfig<{ kv_tokens: number[] }>(REFERENCE);
    const capacity = edit.rows.tokens + tokens.length;
    const shape = { layers, batch: 1, capacity, heads: keyHeads, size: headSize };
    const cache = new KeyValueCache(shape);
    const run = (x: tf.Tensor3D, positions: PositionRows) =>
      model.language.forward(x, { rotary: rotaryTables(positions, model.config.language), cache });
    const last = (hidden: tf.Tensor3D) =>
      model.logits(tf.slice(hidden, [0, hidden.shape[1] - 1, 0], [1, 1, -1])) as tf.Tensor3D;
    let logits = tf.tidy(() => last(run(model.embed(edit.rows), edit.positions)));
    tf.tidy(() => {
      const held = cache.held(0);
      for (const [x, name] of [
        [held.key, 'k'],
        [held.value, 'v'],
      ] as const)
        expect(gap(tf.transpose(x, [0, 2, 1, 3]), `kv.prefill_${name}.layer0`)).toBeLessThanOrEqual(
          TOLERANCE,
        );
    });
    tokens.forEach((token, step) => {
      expect(gap(logits, `kv.step${step}.logits_in`)).toBeLessThanOrEqual(TOLERANCE);
      expect(tf.tidy(() => tf.argMax(logits, -1).dataSync()[0])).toBe(token);
      const place = edit.next[0]! + step;
      const axes = new Int32Array(3).fill(place);
      expect([...axes]).toEqual([...outputs.values(`kv.step${step}.position_ids`)]);
      logits.dispose();
      const rows = { ids: Int32Array.of(token), rows: 1, tokens: 1 };
      logits = tf.tidy(() => last(run(model.embed(rows), { axes, rows: 1, tokens: 1 })));
      expect(gap(logits, `kv.step${step}.logits`)).toBeLessThanOrEqual(TOLERANCE);
    });
    logits.dispose();
    cache.dispose();
  });

  it('has the gradients of the reference by inputs', () => {
    tf.tidy(() => {
      const edit = readCase(model, 'lm_edit');
      const seed = inputs.tensor('lm_edit.grad_seed');
      const lossOf = (x: tf.Tensor3D) =>
        tf.sum(tf.mul(model.logits(hiddenOf(model, edit, x)), seed)) as tf.Scalar;
      const bySeen = tf.grad((x) => lossOf(x as tf.Tensor3D))(model.embed(edit.rows));
      expect(share(bySeen, 'lm_edit.inputs_embeds')).toBeLessThanOrEqual(TOLERANCE);
      const layout = model.visual.layout(gridsOf('lm_edit'));
      const tower = model.visual.forward.bind(model.visual);
      const byPatches = tf.grad((patches) => {
        model.visual.forward = () => tower(patches as tf.Tensor2D, layout);
        return lossOf(model.embed(edit.rows));
      })(inputs.tensor('lm_edit.pixel_values'));
      model.visual.forward = tower;
      expect(share(byPatches, 'lm_edit.pixel_values')).toBeLessThanOrEqual(TOLERANCE);
    });
  });

  it.each(['kept', 'computed again'])('has the gradients of the reference by weights, layers %s', (how) => {
    const parameters = model.parameters();
    const edit = readCase(model, 'lm_edit');
    const seed = inputs.tensor('lm_edit.grad_seed');
    const remember = how === 'kept' ? undefined : parameters;
    const rotary = rotaryTables(edit.positions, model.config.language);
    const inner =
      remember && new Map([...remember].map(([name, x]) => [name.replace('model.language_model.', ''), x]));
    const { gradients: slopes, dispose } = gradients(() => {
      const hidden = model.language.forward(model.embed(edit.rows, remember), { rotary, remember: inner });
      return { loss: tf.sum(tf.mul(model.logits(hidden), seed)) as tf.Scalar };
    }, parameters);
    const expected = grads.names.filter((name) => name.startsWith('lm_edit.param.'));
    expect(expected.length).toBeGreaterThan(20);
    for (const name of expected) {
      const own = [
        ...mapTensors(new Map([[name.slice('lm_edit.param.'.length), NOTHING]]), CURRENT_NAMES).keys(),
      ][0]!;
      expect(share(slopes.get(own)!, name), own).toBeLessThanOrEqual(TOLERANCE);
    }
    dispose();
    tf.dispose([seed, rotary.cosine, rotary.sine]);
  });

  it('has the loss, log-probabilities and adapter gradients of the reference', () => {
    const lora = openTensors(REFERENCE, 'lora.safetensors');
    const expected = openTensors(REFERENCE, 'lora_outputs.safetensors');
    const slopes = openTensors(REFERENCE, 'lora_grads.safetensors');
    const config = readConfig<{
      r: number;
      lora_alpha: number;
      completion_ids: number[];
      advantage: number;
      epsilon_low: number;
      epsilon_high: number;
    }>(REFERENCE, 'lora_config.json');
    const targets = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'].flatMap(
      (part) =>
        model.language.layers.map(
          (_, layer) =>
            `language_model.layers.${layer}.${/^[qkvo]_/.test(part) ? 'self_attn' : 'mlp'}.${part}`,
        ),
    );
    const adapter = LoraAdapter.attach(model, {
      rank: config.r,
      alpha: config.lora_alpha,
      targets,
      key: Key.of(1),
    });
    const here = (name: string) => name.replace('base_model.model.', '');
    const weights = lora.names.map(
      (name) => [here(name), { shape: lora.tensor(name).shape, data: lora.values(name) }] as const,
    );
    loadParameters(adapter.parameters(), new Map(weights));
    const ids = Int32Array.from(expected.values('input_ids_with_completion'));
    const { imageToken, vision } = model.config;
    const options = { grids: gridsOf('lm_edit'), imageToken, merge: vision.merge };
    const placed = [{ positions: positionsOf(ids, options), row: 0, start: 0 }];
    const positions = positionRows(placed, { rows: 1, tokens: ids.length });
    expect([...positions.axes]).toEqual([...expected.values('position_ids')]);
    const rows = { ids, rows: 1, tokens: ids.length, patches: patchesOfCase('lm_edit') };
    const rotary = rotaryTables(positions, model.config.language);
    const result = gradients(() => {
      const hidden = model.language.forward(model.embed(rows), { rotary });
      const count = config.completion_ids.length;
      const seen = tf.slice(hidden, [0, ids.length - count - 1, 0], [1, count, -1]);
      const before = tf.reshape(seen, [count, -1]) as tf.Tensor2D;
      const said = tf.tensor1d(config.completion_ids, 'int32');
      const { logProbs, entropies } = model.tokenScores(before, said, adapter.parameters());
      const ratio = tf.exp(tf.sub(logProbs, tf.reshape(expected.tensor('old_logprobs'), [count])));
      const { advantage, epsilon_low: low, epsilon_high: high } = config;
      const clipped = tf.clipByValue(ratio, 1 - low, 1 + high);
      const gain = tf.minimum(tf.mul(ratio, advantage), tf.mul(clipped, advantage));
      return {
        loss: tf.neg(tf.mean(gain)) as tf.Scalar,
        stats: { logProbs, entropies, logits: model.logits(before) },
      };
    }, adapter.parameters());
    expect(gap(result.loss, 'loss', expected)).toBeLessThanOrEqual(TOLERANCE);
    expect(gap(result.stats.logProbs, 'completion_logprobs', expected)).toBeLessThanOrEqual(TOLERANCE);
    expect(gap(result.stats.entropies, 'completion_entropy', expected)).toBeLessThanOrEqual(TOLERANCE);
    expect(gap(result.stats.logits, 'completion_logits', expected)).toBeLessThanOrEqual(TOLERANCE);
    expect(slopes.names.length).toBe(result.gradients.size);
    for (const name of slopes.names)
      expect(share(result.gradients.get(here(name))!, name, slopes), name).toBeLessThanOrEqual(TOLERANCE);
    result.dispose();
    adapter.dispose();
  });
});
