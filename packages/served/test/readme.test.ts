import { createServedModel, yesMass } from '@thinkrl/served';
import { startChatServer } from '@thinkrl/served/server';
import { expect, it } from 'vitest';

it('runs the example of the README', async () => {
  // Any function can stand behind an endpoint; this one is three quarters sure of yes.
  const top = [
    { token: 'yes', logProb: Math.log(0.75) },
    { token: 'no', logProb: Math.log(0.25) },
  ];
  const answer = () => ({ text: 'yes', tokens: [{ ...top[0]!, top }] });
  const server = await startChatServer({ model: 'sure', answer });

  const model = createServedModel({ baseURL: server.url, model: 'sure', concurrency: 4 });
  const messages = [{ role: 'user' as const, content: ['Is it a candle? yes or no'] }];
  const request = { messages, maxTokens: 1, temperature: 0, topLogProbs: 20 };
  const sure = await model.ask(request, (reply) => yesMass(reply.tokens![0]!).yes); // 0.75
  await server.close();
  expect(sure).toBeCloseTo(0.75, 12);
  expect(model.usage()).toMatchObject({ requests: 1, attempts: 1, failed: 0, completionTokens: 1 });
});
