import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalJudge, transformersJs } from '@thinkrl/checklist-reward/transformers-js';
import { NetworkClosedError } from '@thinkrl/onnx';
import { ConfigError, type EditTask, type Image, Key, type Question } from '@thinkrl/spec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTinyVlm } from './tiny-vlm.ts';

const root = mkdtempSync(join(tmpdir(), 'thinkrl-vlm-'));
const folder = join(root, 'tiny-vlm');
let judge: LocalJudge;

beforeAll(async () => {
  writeTinyVlm(folder);
  judge = await transformersJs({ folder });
});

afterAll(async () => {
  await judge.close();
  rmSync(root, { recursive: true });
});

const grey = (value: number): Image => ({
  width: 52,
  height: 112,
  data: new Float32Array(52 * 112 * 3).fill(value),
});
const ask = (text: string, expected: 'yes' | 'no' = 'yes'): Question => ({ id: text, text, expected });
const taskOf = (value: number): EditTask => ({
  id: 'light',
  references: [grey(value)],
  instruction: 'change the light',
  category: 'light',
});
const request = (before: number, after: number, ...questions: readonly Question[]) => ({
  task: taskOf(before),
  image: grey(after),
  questions,
  key: Key.of(1),
});

describe('a local model of transformers.js', () => {
  it('is loaded from its folder without a network and answers with the probability that the model gives', async () => {
    const questions = [ask('Is it bright?'), ask('Is it dark ?', 'no')];
    const [reply] = await judge.answer([request(1, 0.8, ...questions)]);
    // Two pictures of 52 columns and a grey gap of 8: 112 in all, resized by nothing.
    const brightness = (52 * 1 + 8 * (127 / 255) + 52 * 0.8) / 112;
    const chance = 1 / (1 + Math.exp(-24 * (brightness - 0.5)));
    expect(reply).toEqual({
      answers: [
        {
          questionId: 'Is it bright?',
          reply: 'yes',
          agrees: true,
          probabilityOfYes: expect.closeTo(chance, 3),
        },
        {
          questionId: 'Is it dark ?',
          reply: 'no',
          agrees: true,
          probabilityOfYes: expect.closeTo(1 - chance, 3),
        },
      ],
    });
  });

  it('tells pictures apart', async () => {
    const replies = await judge.answer(
      [0, 0.3, 0.7, 1].map((level) => request(level, level, ask('Is it bright?'))),
    );
    const said = replies.map((reply) => ('answers' in reply ? reply.answers[0]!.reply : 'unjudged'));
    expect(said).toEqual(['no', 'no', 'yes', 'yes']);
  });

  it('leaves a picture unjudged when the model says neither yes nor no', async () => {
    const [reply] = await judge.answer([request(1, 1, ask('Are you silent ?'))]);
    expect(reply).toEqual({ unjudged: 'only 0.00 of the probability is on yes and no' });
  });

  it('stops when it is cancelled', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(judge.answer([request(1, 1, ask('Is it bright?'))], { signal })).rejects.toThrow('enough');
  });

  it('is closed once and for all', async () => {
    const other = await transformersJs({ folder });
    const [last, , end] = [
      other.answer([request(1, 1, ask('Is it bright?'))]),
      other.close(),
      other.answer([request(1, 1, ask('Is it bright?'))]),
    ];
    await expect(end).rejects.toThrow(NetworkClosedError);
    expect((await last)[0]).toHaveProperty('answers');
  });
});

describe('refusals', () => {
  it('a folder that is not there, and no network to look in', async () => {
    await expect(transformersJs({ folder: join(root, 'nothing') })).rejects.toMatchObject({
      code: 'ONNX_LOAD',
      reason: 'model',
    });
  });

  it('settings that cannot work', async () => {
    await expect(transformersJs({ folder, threads: 0 })).rejects.toThrow(ConfigError);
  });
});
