import * as tf from '@tensorflow/tfjs-core';
import {
  checkpointedUnits,
  LORA_TARGETS,
  plainUnits,
  type TokenGrid,
  transformerUnits,
} from '@thinkrl/backbones/qwen-image-edit';
import { positionRows, positionsOf, type QwenVl, understandingUnits } from '@thinkrl/backbones/qwen2-5-vl';
import { LoraAdapter, noGrad, type ParameterMap } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import { referenceTransformer } from '../../../backbones/test/qwen-image-fixture.ts';
import { referenceModel } from '../../../backbones/test/qwen-vl-fixture.ts';
import { type Rows, rowIds, rowNumbers } from './batch.ts';
import { trainedBy } from './measured-run.ts';
import type { Plan } from './plan.ts';
import { ADAPTER, type Subject } from './subject.ts';

/** The picture that is denoised, and a reference. */
const GRIDS: readonly TokenGrid[] = [
  { height: 3, width: 4 },
  { height: 2, width: 3 },
];
const TEXT = 5;

/** The tiny transformer of Qwen-Image-Edit, its velocities drawn towards numbers. */
export function imageSubject(plan: Plan): Subject {
  const model = referenceTransformer();
  const { inChannels, textWidth, tokenNumbers } = model.config;
  const adapter = plan.lora
    ? LoraAdapter.attach(model, { ...ADAPTER, targets: LORA_TARGETS, key: Key.of(13) })
    : null;
  const parameters = new Map([...model.parameters(), ...(adapter?.parameters() ?? [])]);
  // As the backbone trains: what is frozen around the blocks is a constant.
  const around = adapter === null ? <T>(run: () => T) => run() : noGrad;
  let runUnit = plainUnits;
  return {
    model,
    units: transformerUnits(model),
    parameters,
    loss(step, part) {
      const rows = part.to - part.from;
      const tokens = (count: number, width: number, seed: number) =>
        tf.tensor3d(rowNumbers(part, count * width, seed + 7 * step), [rows, count, width]);
      const condition = around(() =>
        model.condition({
          text: tokens(TEXT, textWidth, 1),
          references: tokens(6, inChannels, 2),
          grids: GRIDS,
        }),
      );
      const levels = Array.from({ length: rows }, (_, i) => (part.from + i + 1) / (part.rows + 1));
      const vectors = around(() => model.levelVectors(levels));
      const options = { vectors, runUnit, trainModulation: adapter === null };
      const velocity = model.predict(tokens(12, inChannels, 3), condition, options);
      return tf.losses.meanSquaredError(tokens(12, tokenNumbers, 4), velocity) as tf.Scalar;
    },
    checkpoint: () => {
      runUnit = checkpointedUnits(trainedBy(plan, parameters));
    },
  };
}

/** Words before a picture of 2 x 2 cells and after it, and those that are learned. */
const BEFORE = 4;
const CELLS = 4;
const AFTER = 8;
const LEARNED = 5;
const TOKENS = BEFORE + CELLS + AFTER;
const PATCH_NUMBERS = 96;

/** The tiny Qwen2.5-VL, learning what follows a picture. */
export function languageSubject(plan: Plan): Subject {
  const model = referenceModel();
  const targets = /language_model.*(q_proj|v_proj|down_proj)$/;
  const places = [...model.modules().keys()].filter((place) => targets.test(place));
  const layers = new Map(places.map((place) => [place, ADAPTER]));
  const adapter = plan.lora ? LoraAdapter.attachLayers(model, layers, Key.of(14)) : null;
  const parameters = new Map([...model.parameters(), ...(adapter?.parameters() ?? [])]);
  const trained = trainedBy(plan, parameters);
  let remember: ParameterMap | undefined;
  return {
    model,
    units: understandingUnits(model),
    parameters,
    loss(step, part) {
      const { ids, ...tokens } = picturesAndWords(model, step, part);
      const { rows } = tokens;
      const hidden = model.forward(
        { ids, ...tokens },
        { positions: positionsIn(model, ids, rows), remember },
      );
      const last = tf.slice(hidden, [0, TOKENS - LEARNED - 1, 0], [-1, LEARNED, -1]);
      const next = tf.slice(tf.tensor2d(ids, [rows, TOKENS], 'int32'), [0, TOKENS - LEARNED], [-1, -1]);
      const flat = tf.reshape(last, [rows * LEARNED, -1]) as tf.Tensor2D;
      const { logProbs } = model.tokenScores(flat, tf.reshape(next, [-1]), trained);
      return tf.neg(tf.mean<tf.Scalar>(logProbs));
    },
    checkpoint: () => {
      remember = trained;
    },
  };
}

function picturesAndWords({ config }: QwenVl, step: number, part: Rows) {
  const rows = part.to - part.from;
  const inPicture = (i: number) => i % TOKENS >= BEFORE && i % TOKENS < BEFORE + CELLS;
  const words = rowIds(part, TOKENS, { seed: 5 + step, least: 5, count: 100 });
  const ids = words.map((word, i) => (inPicture(i) ? config.imageToken : word));
  const data = rowNumbers(part, 16 * PATCH_NUMBERS, 9 + step);
  const grids = Array.from({ length: rows }, () => GRID);
  return { ids, rows, tokens: TOKENS, patches: { data, numbers: PATCH_NUMBERS, grids } };
}

const GRID = { frames: 1, rows: 4, columns: 4 };

function positionsIn({ config }: QwenVl, ids: Int32Array, rows: number) {
  const { imageToken, vision } = config;
  const placed = Array.from({ length: rows }, (_, row) => {
    const own = ids.subarray(row * TOKENS, (row + 1) * TOKENS);
    return {
      positions: positionsOf(own, { grids: [GRID], imageToken, merge: vision.merge }),
      row,
      start: 0,
    };
  });
  return positionRows(placed, { rows, tokens: TOKENS });
}
