import * as tf from '@tensorflow/tfjs-core';
import { encodeOnnx } from '@thinkrl/backbones/micro-onnx';
import { useEngine } from '@thinkrl/engine';
import { encodeWords, imageOfCells, SLOTS, taskList, wordId } from '@thinkrl/microworld';
import { type Feeds, loadNetwork } from '@thinkrl/onnx';
import { type Chain, type Image, Key, type Utterance } from '@thinkrl/spec';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  Editor,
  loadMicro,
  MicroEditBackbone,
  MicroPolicy,
  Perception,
  pictureTensor,
  Understander,
} from '../src/micro/index.ts';
import { torchIsHere, values } from './engine.ts';

const LIMIT = 1e-4;
const TASKS = taskList(Key.of(3), 'id', 5);
const TEXTS = ['', 'erase red ball b2 .', 'ok', TASKS[3]!.instruction, 'move blue box a1 c3 .'];

beforeAll(async () => {
  await useEngine({ engine: (await torchIsHere()) ? 'torch' : 'cpu', threads: 1 });
});

const floats = (tensor: tf.Tensor) => ({ data: tensor.dataSync() as Float32Array, dims: tensor.shape });

function ids(rows: readonly Int32Array[]) {
  const data = BigInt64Array.from(
    rows.flatMap((row) => [...row]),
    BigInt,
  );
  return { data, dims: [rows.length, rows[0]!.length] };
}

function apart(left: ArrayLike<number>, right: ArrayLike<number | bigint>): number {
  expect(left.length).toBe(right.length);
  return Array.from(left).reduce((most, value, i) => Math.max(most, Math.abs(value - Number(right[i]))), 0);
}

async function runModel(bytes: Uint8Array, feeds: Feeds): Promise<Feeds> {
  const network = await loadNetwork({ model: bytes });
  try {
    return await network.run(feeds);
  } finally {
    await network.close();
  }
}

/** Trained weights, and small ones of another shape with nothing left at its start. */
async function models() {
  const shipped = await loadMicro();
  const size = { width: 16, blocks: 2, heads: 2 };
  const own = {
    policy: new MicroPolicy(new Understander(Key.of(1), size)),
    backbone: new MicroEditBackbone(new Editor(Key.of(1), size)),
  };
  for (const [name, variable] of [...own.policy.parameters(), ...own.backbone.parameters()])
    variable.assign(tf.tidy(() => tf.add(variable, tf.mul(values(variable.shape, name), 0.1))));
  return { shipped, own };
}

describe.each(['shipped', 'own'] as const)('the exported %s weights', (which) => {
  it('edit as the engine does, at any noise level and length of text', async () => {
    const { backbone } = (await models())[which];
    const references = TASKS.map((task) => task.references[0]!);
    const conditions = TEXTS.map((text, i) => ({ references: [references[i]!], text }));
    const latents = values([TASKS.length, 16, 192], 'latents') as tf.Tensor3D;
    const bytes = await encodeOnnx(backbone.model);
    const words = ids(TEXTS.map((text) => encodeWords(text.split(' ').filter(Boolean), SLOTS.editorText)));
    for (const sigma of [1, 0.75, 0.31, 0.02]) {
      const conditioning = backbone.encode(conditions);
      const clean = backbone.model.predict(latents, sigma, conditioning.context);
      const velocity = backbone.velocity(latents, sigma, conditioning);
      const outputs = await runModel(bytes, {
        reference: floats(pictureTensor(references)),
        words,
        latents: floats(latents),
        sigma: { data: new Float32Array(TASKS.length).fill(sigma), dims: [TASKS.length] },
      });
      expect(apart(clean.dataSync(), outputs.clean!.data)).toBeLessThan(LIMIT);
      expect(apart(velocity.dataSync(), outputs.velocity!.data) * Math.min(1, sigma)).toBeLessThan(LIMIT);
    }
  });

  it('think as the engine does: log-probability and entropy at every word of sampled chains', async () => {
    const { policy } = (await models())[which];
    const chains = await thoughts(policy);
    const batch = policy.prepare(chains, 1);
    const { logProbs, entropies } = batch.score();
    const outputs = await runModel(await encodeOnnx(policy.model), chainFeeds(chains));
    const [own, spread] = [logProbs.dataSync(), entropies.dataSync()];
    const { tokens, stages } = batch.layout;
    let most = 0;
    let words = 0;
    chains.forEach((chain, row) => {
      const texts = [chain.plan!, chain.rounds[0]!.reflection];
      ['planLogits', 'reflectionLogits'].forEach((name, stage) => {
        const first = stages.indexOf(stage);
        texts[stage]!.tokens.forEach((token, word) => {
          const { logProb, entropy } = read(outputs[name]!, { row, word, token });
          const at = row * tokens + first + word;
          most = Math.max(most, Math.abs(logProb - own[at]!), Math.abs(entropy - spread[at]!));
          words += 1;
        });
      });
    });
    expect(words).toBeGreaterThan(4 * chains.length);
    expect(most).toBeLessThan(LIMIT);
  });
});

it('the exported perception net sees what the engine sees', async () => {
  const model = new Perception(Key.of(4));
  const pictures = pictureTensor(TASKS.map((task) => task.references[0]!));
  const { logits } = await runModel(await encodeOnnx(model), { cells: floats(pictures) });
  expect(apart(model.forward(pictures).dataSync(), logits!.data)).toBeLessThan(LIMIT);
});

/** Texts that parse: weights that are not trained would say `<pad>` too, which an exported model takes for no word. */
const drawn = (label: string) => ({
  sampling: { temperature: 1, constrained: true },
  keys: TASKS.map((_, i) => Key.of(8).fold(label).fold(i)),
});

/** Plans, noise as edits, and reflections, as the session draws them word by word. */
async function thoughts(policy: MicroPolicy): Promise<readonly Chain[]> {
  const session = await policy.begin(TASKS, 1);
  const plans = await session.plan(drawn('plan'));
  const images = TASKS.map((_, i): Image => {
    const stream = Key.of(9).fold(i).stream();
    return imageOfCells(Array.from({ length: 16 * 192 }, () => stream.uniform()));
  });
  const reflections = await session.reflect([...TASKS.keys()], images, drawn('reflection'));
  session.dispose();
  return TASKS.map((task, i) => ({
    task,
    index: 0,
    plan: plans[i]!,
    first: {
      condition: { references: task.references, text: plans[i]!.text },
      image: images[i]!,
      trajectory: { sigmas: [], shape: [], states: [], stochastic: [], logProbs: [] },
    },
    rounds: [{ reflection: reflections[i]!, edit: null }],
  }));
}

function chainFeeds(chains: readonly Chain[]): Feeds {
  const inputs = (text: Utterance, opening: string, slots: number) =>
    Int32Array.from({ length: slots }, (_, i) =>
      i === 0 ? wordId(opening) : (text.tokens.slice(0, -1)[i - 1] ?? 0),
    );
  return {
    reference: floats(pictureTensor(chains.map(({ task }) => task.references[0]!))),
    edited: floats(pictureTensor(chains.map(({ first }) => first.image))),
    instruction: ids(chains.map(({ task }) => encodeWords(task.instruction.split(' '), SLOTS.instruction))),
    plan: ids(chains.map(({ plan }) => inputs(plan!, '<plan>', SLOTS.plan))),
    reflection: ids(chains.map(({ rounds }) => inputs(rounds[0]!.reflection, '<refl>', SLOTS.reflection))),
  };
}

interface Place {
  readonly row: number;
  readonly word: number;
  readonly token: number;
}

/** Log-probability of a word and entropy of its distribution, in float64, from logits. */
function read({ data, dims }: Feeds[string], { row, word, token }: Place) {
  const [, slots, vocabulary] = dims as [number, number, number];
  const start = (row * slots + word) * vocabulary;
  const logits = Array.from({ length: vocabulary }, (_, i) => Number(data[start + i]));
  const most = Math.max(...logits);
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0)) + most;
  const entropy = logits.reduce((sum, logit) => sum - Math.exp(logit - total) * (logit - total), 0);
  return { logProb: logits[token]! - total, entropy };
}
