import { checklistDimension } from '@thinkrl/checklist-reward';
import { openAiCompatible } from '@thinkrl/checklist-reward/served';
import { exactJudge, taskList } from '@thinkrl/microworld';
import { createServedModel, probeServer, type ServerCapabilities } from '@thinkrl/served';
import { startChatServer } from '@thinkrl/served/server';
import { Key } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import { examinee, startFaultyServer, truth } from './faulty-server.ts';
import { interruptedRun } from './interrupted-run.ts';
import { judgeEndpoint } from './judge-endpoint.ts';
import { microJudge } from './micro-judge.ts';

describe('a served judge', () => {
  const tasks = taskList(Key.of(3), 'id', 4);

  it('says from afar what the exact judge says, with its log-probabilities', async () => {
    const answer = judgeEndpoint(microJudge({ tasks, certainty: 0.97 }));
    const server = await startChatServer({ model: 'micro', answer });
    const model = createServedModel({ baseURL: server.url, model: 'micro' });
    expect(await probeServer(model)).toEqual({ logProbs: true, yesNoLogProbs: true, jsonSchema: true });
    const requests = tasks.map((task, index) => ({
      task,
      image: tasks[(index * 3) % 4]!.references[0]!,
      questions: task.checklist.questions,
      key: Key.of(index),
    }));
    const exact = await exactJudge().answer(requests);
    const byToken = await (await openAiCompatible({ model })).answer(requests);
    const capabilities = { logProbs: false, yesNoLogProbs: false, jsonSchema: true };
    const asJson = await (await openAiCompatible({ model, capabilities })).answer(requests);
    await server.close();
    expect(asJson).toEqual(exact);
    byToken.forEach((reply, index) => {
      const truth = exact[index]!;
      if ('unjudged' in reply || 'unjudged' in truth) throw new Error('unjudged');
      reply.answers.forEach(({ probabilityOfYes, ...answer }, number) => {
        expect(answer).toEqual(truth.answers[number]);
        expect(probabilityOfYes).toBeCloseTo(answer.reply === 'yes' ? 0.97 : 0.03, 12);
      });
    });
  });

  it('leaves unjudged what it does not know', async () => {
    const answer = judgeEndpoint(microJudge({ tasks: tasks.slice(1), certainty: 0.97 }));
    const server = await startChatServer({ model: 'micro', answer });
    const judge = await openAiCompatible({
      model: createServedModel({ baseURL: server.url, model: 'micro' }),
    });
    const [score] = await checklistDimension({ judge }).score([
      { task: tasks[0]!, image: tasks[0]!.references[0]!, key: Key.of(0) },
    ]);
    await server.close();
    expect(score).toEqual({ unjudged: 'refused after 1 attempt: 400 a task it does not know' });
  });
});

const byJson: ServerCapabilities = { logProbs: false, yesNoLogProbs: false, jsonSchema: true };
const byToken: ServerCapabilities = { ...byJson, logProbs: true, yesNoLogProbs: true };

describe.each([
  ['as JSON', byJson],
  ['by log-probabilities', byToken],
])('a faulty server asked %s', (_, capabilities) => {
  it('loses, doubles and falsifies nothing', async () => {
    const server = await startFaultyServer({ rate: 0.1, latency: 1, seed: 2 });
    const model = createServedModel({
      baseURL: server.url,
      model: 'faulty',
      concurrency: 16,
      attemptLimit: 3000,
      retry: { attempts: 3, firstWait: 1, longestWait: 2 },
    });
    const judge = await openAiCompatible({ model, capabilities });
    const requests = Array.from({ length: 60 }, (_, index) => {
      const { task, image } = examinee(index, 3);
      return { task, image, questions: task.checklist!.questions, key: Key.of(index) };
    });
    const replies = await judge.answer(requests);
    await server.close();
    const judged = replies.flatMap((reply, index) => ('unjudged' in reply ? [] : [{ reply, index }]));
    const reasons = replies.flatMap((reply) => ('unjudged' in reply ? [reply.unjudged] : []));
    for (const { reply, index } of judged)
      expect(reply.answers.map((answer) => [answer.questionId, answer.reply])).toEqual(
        [0, 1, 2].map((number) => [`${index}-${number}`, truth(index, number)]),
      );
    for (const reason of reasons) expect(reason).toMatch(/^[a-z-]+ after 3 attempts: ./);
    expect(replies).toHaveLength(60);
    expect(judged.length).toBeGreaterThan(10);
    expect(reasons.length).toBeGreaterThan(3);
    // Seven faults of 10 % each meet 60 requests or more: each kind was there.
    expect(Object.keys(model.usage().failures).sort()).toEqual([
      'connection',
      'malformed',
      'rate-limited',
      'server-error',
      'timeout',
      'unreadable',
    ]);
  });
});

describe('a run that is killed again and again', () => {
  const settings = { judgements: 200, seed: 5, latency: 10 };

  it('asks nothing twice of a server that heeds idempotency keys, and loses nothing', async () => {
    const { last, ...result } = await interruptedRun({ ...settings, kills: 3, remember: 1000 });
    expect(result).toEqual({ killed: 3, neverAsked: 0, askedTwice: 0, askedAfterwards: 0 });
    expect(last).toMatchObject({ requests: 200, wrong: 0 });
    expect(last.kept + last.asked).toBe(200);
    expect(last.kept).toBeGreaterThan(0);
  }, 240_000);

  it('asks another server twice for no more than was on its way when it was killed', async () => {
    const { last, ...result } = await interruptedRun({ ...settings, kills: 1, remember: 0 });
    expect(result).toMatchObject({ killed: 1, neverAsked: 0, askedAfterwards: 0 });
    expect(result.askedTwice).toBeLessThanOrEqual(32);
    expect(last.wrong).toBe(0);
  }, 240_000);
});
