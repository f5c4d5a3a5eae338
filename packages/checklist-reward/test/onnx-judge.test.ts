import { onnxJudge, pictureTensor } from '@thinkrl/checklist-reward/onnx';
import { loadNetwork } from '@thinkrl/onnx';
import { GraphBuilder } from '@thinkrl/onnx/format';
import { fakeNetwork } from '@thinkrl/onnx/testing';
import { type EditTask, type Image, Key, type Question } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';

const task: EditTask = { id: 'light', references: [], instruction: 'brighten', category: 'light' };
const questions: readonly Question[] = [
  { id: 'bright', text: 'Is it bright?', expected: 'yes' },
  { id: 'dark', text: 'Is it dark?', expected: 'no' },
];
const grey = (value: number): Image => ({ width: 4, height: 4, data: new Float32Array(48).fill(value) });
const request = (value: number) => ({ task, image: grey(value), questions, key: Key.of(1) });

/** P(bright) = sigmoid(20 (mean - 0.5)). */
function brightness(): Uint8Array {
  const graph = new GraphBuilder();
  const picture = graph.input('picture', { type: 'float32', dims: [1, 3, 2, 2] });
  const half = graph.constant('half', { data: new Float32Array([0.5]), dims: [] });
  const steep = graph.constant('steep', { data: new Float32Array([20]), dims: [] });
  const mean = graph.node('ReduceMean', [picture], { keepdims: 0 });
  const bright = graph.node('Sigmoid', [graph.node('Mul', [graph.node('Sub', [mean, half]), steep])]);
  graph.output('bright', bright, { type: 'float32', dims: [] });
  return graph.encode({ name: 'brightness' });
}

describe('onnxJudge', () => {
  it('answers from what a classifier sees, many pictures on few workers', async () => {
    const network = await loadNetwork({ model: brightness(), workers: 2 });
    const judge = onnxJudge({
      network,
      name: 'brightness',
      async look({ image }, run) {
        const { bright } = await run({ picture: pictureTensor(image, { width: 2, height: 2 }) });
        const chance = Number(bright!.data[0]);
        return ({ id }) => (id === 'bright' ? chance : 1 - chance);
      },
    });
    const levels = Array.from({ length: 50 }, (_, i) => (i + 0.5) / 50);
    const replies = await judge.answer(levels.map(request));
    await network.close();
    replies.forEach((reply, index) => {
      const chance = 1 / (1 + Math.exp(-20 * (levels[index]! - 0.5)));
      const bright = levels[index]! > 0.5;
      expect(reply).toEqual({
        answers: [
          {
            questionId: 'bright',
            reply: bright ? 'yes' : 'no',
            agrees: bright,
            probabilityOfYes: expect.closeTo(chance, 4),
          },
          {
            questionId: 'dark',
            reply: bright ? 'no' : 'yes',
            agrees: bright,
            probabilityOfYes: expect.closeTo(1 - chance, 4),
          },
        ],
      });
    });
    expect(judge.version).toBe(network.fingerprint);
  });

  it('leaves a picture unjudged when one question has no probability', async () => {
    const network = fakeNetwork({ inputs: ['x'], outputs: ['y'], run: () => ({}) });
    for (const chance of [undefined, Number.NaN, 1.5]) {
      const judge = onnxJudge({
        network,
        name: 'odd',
        look:
          () =>
          ({ id }) =>
            id === 'dark' ? chance : 1,
      });
      expect(await judge.answer([request(0)])).toEqual([{ unjudged: 'cannot answer the question dark' }]);
    }
  });

  it('throws what the network refuses, and the reason of a cancellation', async () => {
    const network = await loadNetwork({ model: brightness() });
    const judge = onnxJudge({
      network,
      name: 'wrongly fed',
      async look(_, run) {
        await run({ image: { data: new Float32Array(1), dims: [1] } });
        return () => 1;
      },
    });
    await expect(judge.answer([request(0)])).rejects.toThrow(/missing: picture/);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(judge.answer([request(0)], { signal })).rejects.toThrow('enough');
    await network.close();
  });
});

describe('pictureTensor', () => {
  it('averages where it shrinks and interpolates where it grows, in either order of channels', () => {
    const image: Image = {
      width: 2,
      height: 2,
      data: new Float32Array([0, 0.1, 0.2, 0.4, 0.5, 0.6, 0.8, 0.9, 1, 0.4, 0.5, 0.6]),
    };
    const shrunk = pictureTensor(image, {
      width: 1,
      height: 1,
      mean: [0.1, 0, 0],
      deviation: [1, 2, 1],
      order: 'bgr',
    });
    expect(shrunk.dims).toEqual([1, 3, 1, 1]);
    expect([...shrunk.data].map(Number)).toEqual([0.5, 0.25, 0.4].map((value) => expect.closeTo(value, 6)));
    const box = { x: 0, y: 0, width: 2, height: 1 };
    const grown = pictureTensor(image, { width: 4, height: 1, box });
    expect([...grown.data].slice(0, 4).map(Number)).toEqual(
      [0, 0.1, 0.3, 0.4].map((value) => expect.closeTo(value, 6)),
    );
  });
});
