import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerTo, checklistScore, flipAnswers } from '@thinkrl/checklist-reward';
import { cachedJudge } from '@thinkrl/checklist-reward/cache';
import { createChecklistWriter, openAiCompatible } from '@thinkrl/checklist-reward/served';
import { createServedModel } from '@thinkrl/served';
import { startChatServer } from '@thinkrl/served/server';
import { Key } from '@thinkrl/spec';
import { expect, it } from 'vitest';
import { grey, task as taskOf } from './chains.ts';

it('runs the first example of the README', () => {
  const questions = [
    { id: 'low', text: 'Is it a low candle at c2?', expected: 'yes' },
    { id: 'others', text: 'Did anything else change?', expected: 'no' },
  ] as const;
  const answers = questions.map((question) => answerTo(question, 'yes'));
  const score = checklistScore(answers); // 0.5: saying yes to everything does not pay
  const flipped = flipAnswers(answers, { yes: 1, no: 1 }, Key.of(0).stream());
  expect(score).toBe(0.5);
  expect(flipped.map((answer) => answer.agrees)).toEqual([false, true]);
});

it('runs the example of a served judge', async () => {
  const letters = ['a', 'b', 'c', 'd'];
  const written = {
    yes: letters.map((letter) => `Is ${letter} there?`),
    no: letters.map((letter) => `Is ${letter} gone?`),
  };
  const token = { token: 'yes', logProb: 0 };
  const server = await startChatServer({
    model: 'm',
    answer: ({ schema }) =>
      schema === undefined
        ? { text: 'yes', tokens: [{ ...token, top: [token] }] }
        : { text: JSON.stringify({ ...written, greeting: 'good-morning' }) },
  });
  const baseURL = server.url;
  const folder = mkdtempSync(join(tmpdir(), 'readme-'));
  const task = taskOf('t');
  const image = grey(1);

  const model = createServedModel({ baseURL, model: 'Qwen/Qwen2.5-VL-7B-Instruct', concurrency: 32 });
  const writer = createChecklistWriter({ model, folder }); // one JSON file per task, to be edited by hand
  const judge = await cachedJudge(await openAiCompatible({ model }), { folder }); // asks nothing twice
  const { questions } = await writer.write(task);
  const [reply] = await judge.answer([{ task, image, questions, key: Key.of(1) }]);
  await judge.close();

  const answers = questions.map(({ id, expected }) => ({ questionId: id, agrees: expected === 'yes' }));
  expect(questions).toHaveLength(8);
  expect(reply).toMatchObject({ answers });
  expect(judge.version).toBe('prompt 1 by log-probabilities');
  await server.close();
  rmSync(folder, { recursive: true });
});
