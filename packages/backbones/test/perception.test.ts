import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { perceptionReader, shippedPerception } from '@thinkrl/backbones/micro-onnx';
import { createEditSampler } from '@thinkrl/edit-generator';
import { useEngine } from '@thinkrl/engine';
import {
  type Cells,
  cellJudge,
  exactJudge,
  readPicture,
  taskList,
  understandingBatch,
} from '@thinkrl/microworld';
import { loadNetwork, type Network } from '@thinkrl/onnx';
import { type Image, Key } from '@thinkrl/spec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadMicro, microCodec, pretrainPerception } from '../src/micro/index.ts';
import { torchIsHere } from './engine.ts';

let network: Network;

beforeAll(async () => {
  await useEngine({ engine: (await torchIsHere()) ? 'torch' : 'cpu', threads: 1 });
  network = await loadNetwork({ model: shippedPerception() });
});

afterAll(() => network.close());

function shareAlike(seen: readonly Cells[], truth: readonly Cells[]): number {
  const pairs = seen.flatMap((cells, i) => cells.map((cell, k) => cell === truth[i]![k]));
  return pairs.filter(Boolean).length / pairs.length;
}

describe('the shipped perception net', () => {
  it('is the file that its record says', () => {
    const record = JSON.parse(readFileSync(shippedPerception().replace('.onnx', '.json'), 'utf8'));
    expect(createHash('sha256').update(readFileSync(shippedPerception())).digest('hex')).toBe(record.sha256);
  });

  it('sees fresh faulty edits nearly as the exact reader does', async () => {
    const samples = understandingBatch(Key.of(77), 400, { spoilShare: 0.5 });
    const images = samples.map(({ edited }) => edited);
    const truth = samples.map(({ edited, task }) => readPicture(edited, task.scene.background).cells);
    const alike = shareAlike(await perceptionReader(network)(images), truth);
    console.log(`cells seen alike, faulty edits of the corpus: ${alike.toFixed(5)}`);
    expect(alike).toBeGreaterThan(0.995);
  });

  it('judges the edits of the shipped editor nearly as the exact judge does', async () => {
    const { backbone, dispose } = await loadMicro();
    const tasks = taskList(Key.of(31), 'id', 64);
    const editor = createEditSampler({ backbone, codec: microCodec, steps: 4, eta: 0.7 });
    const conditions = tasks.map(({ references, instruction }) => ({ references, text: instruction }));
    const edits = await editor.sample(conditions, {
      keys: tasks.map((_, i) => Key.of(5).fold(i)),
      stochastic: [1],
    });
    dispose();
    const requests = tasks.map((task, i) => ({
      task,
      image: edits[i]!.image as Image,
      questions: task.checklist.questions,
      key: Key.of(0),
    }));
    const learned = cellJudge({
      name: 'perception',
      version: network.fingerprint,
      read: perceptionReader(network),
    });
    const [own, exact] = await Promise.all([learned.answer(requests), exactJudge().answer(requests)]);
    const answers = own.flatMap((reply) => ('answers' in reply ? reply.answers : []));
    const truth = exact.flatMap((reply) => ('answers' in reply ? reply.answers : []));
    const against = answers.filter(({ reply }, i) => reply !== truth[i]!.reply).length / truth.length;
    console.log(`answers against the exact judge, edits of the shipped editor: ${against.toFixed(4)}`);
    expect(answers).toHaveLength(truth.length);
    expect(against).toBeLessThan(0.05);
  });
});

it('is learned within a few hundred steps', async () => {
  const seen: number[] = [];
  const model = await pretrainPerception({
    key: Key.of(2),
    steps: 150,
    batchSize: 16,
    learningRate: 3e-3,
    onProgress: ({ losses }) => void seen.push(losses.seen!),
  });
  model.dispose();
  expect(seen[0]).toBeLessThan(0.9);
  expect(seen.at(-1)).toBeGreaterThan(0.97);
});
