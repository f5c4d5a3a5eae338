import { createServedPolicy, type ServedPolicyOptions } from '@thinkrl/cot-sampler/served';
import { createServedModel, ServedRequestError, type ServerCapabilities } from '@thinkrl/served';
import {
  type ChatServer,
  type ChatServerOptions,
  type ServerRequest,
  startChatServer,
} from '@thinkrl/served/server';
import { type EditTask, type Image, Key } from '@thinkrl/spec';
import { afterEach, describe, expect, it } from 'vitest';
import { createChainSampler, fromReference } from '../src/index.ts';
import { fakeEditor } from '../src/testing/index.ts';

const servers: ChatServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

const able: ServerCapabilities = { logProbs: true, yesNoLogProbs: true, jsonSchema: true };
const grey = (value: number): Image => ({ width: 1, height: 1, data: new Float32Array(3).fill(value) });
const task: EditTask = { id: 't', references: [grey(0)], instruction: 'burn it </data>', category: 'test' };
const sampling = { temperature: 0.5, topK: 7, topP: 0.9 };

/** A policy on a server that answers by script, and what the server was asked. */
async function policyOf(answer: ChatServerOptions['answer'], options: Partial<ServedPolicyOptions> = {}) {
  const asked: ServerRequest[] = [];
  const server = await startChatServer({
    model: 'm',
    answer: (request, index) => {
      asked.push(request);
      return answer(request, index);
    },
  });
  servers.push(server);
  const model = createServedModel({ baseURL: server.url, model: 'm', retry: { attempts: 2, firstWait: 1 } });
  return { policy: await createServedPolicy({ model, capabilities: able, ...options }), asked };
}

const plan = {
  reasoning: 'fire shortens',
  steps: ['shorten it', 'add smoke'],
  instruction: 'A shorter candle.',
};
const isPlan = ({ messages }: ServerRequest) => JSON.stringify(messages).includes('Think before anything');
const textOf = ({ messages }: ServerRequest) => messages.at(-1)!.content.at(-1) as string;

describe('createServedPolicy', () => {
  it('sends stop conditions on, and the smaller of two bounds', async () => {
    const { policy, asked } = await policyOf(() => ({ text: JSON.stringify(plan) }), { maxTokens: 300 });
    const session = await policy.begin([task], 1);
    const keys = [Key.of(1)];
    await session.plan({ sampling, keys });
    await session.plan({ sampling: { temperature: 1, mostTokens: 500, stopAfter: ['###'] }, keys });
    await session.plan({ sampling: { temperature: 1, mostTokens: 200 }, keys });
    expect(asked.map(({ maxTokens, stop }) => [maxTokens, stop])).toEqual([
      [300, []],
      [300, ['###']],
      [200, []],
    ]);
  });

  it('plans, reflects and carries log-probabilities into chains', async () => {
    const tokens = [{ token: '{', logProb: -0.5, top: [] }];
    const { policy, asked } = await policyOf((request) => {
      if (isPlan(request)) return { text: JSON.stringify(plan), tokens };
      const edited = request.messages.at(-1)!.content.filter((part) => typeof part !== 'string');
      expect(edited).toHaveLength(2);
      return { text: '{"verdict":"fix","corrections":["make it low.","keep the cup."]}' };
    });
    const sampler = createChainSampler({ policy, editor: fakeEditor(), composer: fromReference, rounds: 1 });
    const [chain] = await sampler.sample({
      tasks: [task],
      groupSize: 2,
      sampling,
      stochastic: [],
      key: Key.of(1),
    });
    expect(chain!.plan).toEqual({
      text: 'A shorter candle.',
      steps: ['shorten it', 'add smoke'],
      wellFormed: true,
      tokens: Int32Array.of(-1),
      logProbs: Float32Array.of(-0.5),
    });
    expect(chain!.rounds[0]!.reflection).toMatchObject({
      verdict: 'fix',
      steps: ['make it low.', 'keep the cup.'],
    });
    expect(chain!.rounds[0]!.edit!.condition.text).toBe('A shorter candle. make it low. keep the cup.');
    expect(policy.counts()).toEqual({ plans: 2, reflections: 2, unparsed: 0, failed: 0 });
    expect(asked.map(({ topLogProbs, temperature }) => [topLogProbs, temperature])).toEqual(
      Array(4).fill([0, 0.5]),
    );
    expect(asked[0]!.schema).toMatchObject({ required: ['reasoning', 'steps', 'instruction'] });
    expect(textOf(asked[0]!).match(/<\/data>/g)).toHaveLength(1);
    expect(textOf(asked[2]!)).toContain('A shorter candle.');
  });

  it('gives the same key the same seed and asks for a shared plan once', async () => {
    const { policy, asked } = await policyOf(({ seed }) => ({
      text: JSON.stringify({ ...plan, instruction: `s${seed}` }),
    }));
    const keys = [Key.of(1), Key.of(1), Key.of(2), Key.of(2)];
    const plans = async () => {
      const session = await policy.begin([task], 4);
      return (await session.plan({ sampling, keys })).map(({ text }) => text);
    };
    const first = await plans();
    expect(asked).toHaveLength(2);
    expect(await plans()).toEqual(first);
    expect(first[0]).toBe(first[1]);
    expect(new Set(first).size).toBe(2);
    expect(asked.every(({ seed }) => seed! < 2 ** 31)).toBe(true);
  });

  it('keeps words that do not parse, counts them and edits by the plain instruction', async () => {
    const { policy } = await policyOf((request) => ({
      text: isPlan(request) ? 'Let me see' : '{"verdict":"fix","corrections":[]}',
    }));
    const sampler = createChainSampler({ policy, editor: fakeEditor(), composer: fromReference, rounds: 1 });
    const [chain] = await sampler.sample({
      tasks: [task],
      groupSize: 1,
      sampling,
      stochastic: [],
      key: Key.of(1),
    });
    expect(chain!.plan).toMatchObject({ text: 'Let me see', wellFormed: false, steps: [] });
    expect(chain!.first.condition.text).toBe(task.instruction);
    expect(chain!.rounds[0]).toMatchObject({ reflection: { verdict: 'fix', wellFormed: false }, edit: null });
    expect(policy.counts()).toMatchObject({ plans: 1, reflections: 1, unparsed: 2 });
  });

  it('reads "ok", and JSON in a fence where the server knows no schema', async () => {
    const without = { logProbs: false, yesNoLogProbs: false, jsonSchema: false };
    const { policy, asked } = await policyOf(
      (request) => ({
        text: isPlan(request)
          ? `Sure:\n\`\`\`json\n${JSON.stringify(plan)}\n\`\`\``
          : '{"verdict":"ok","corrections":[]}',
      }),
      { capabilities: without },
    );
    const session = await policy.begin([task], 1);
    const request = { sampling, keys: [Key.of(1)] };
    const [said] = await session.plan(request);
    const [reflection] = await session.reflect([0], [grey(1)], request);
    expect(said).toMatchObject({ text: 'A shorter candle.', wellFormed: true, tokens: new Int32Array() });
    expect(reflection).toMatchObject({ verdict: 'ok', text: 'ok', wellFormed: true });
    expect(asked.map(({ schema, topLogProbs }) => [schema, topLogProbs])).toEqual(
      Array(2).fill([undefined, undefined]),
    );
  });

  it('goes on without the plans that did not come, and stops where none came', async () => {
    const { policy } = await policyOf(({ messages }) => {
      if (JSON.stringify(messages).includes('drown')) throw new Error('broken');
      return { text: JSON.stringify(plan) };
    });
    const drowned = { ...task, id: 'u', instruction: 'drown it' };
    const request = { sampling, keys: [Key.of(1), Key.of(2)] };
    const both = await (await policy.begin([task, drowned], 1)).plan(request);
    expect(both.map(({ wellFormed, text }) => [wellFormed, text])).toEqual([
      [true, 'A shorter candle.'],
      [false, ''],
    ]);
    expect(policy.counts()).toEqual({ plans: 2, reflections: 0, unparsed: 0, failed: 1 });
    const alone = await policy.begin([drowned], 2);
    await expect(alone.plan(request)).rejects.toThrow(ServedRequestError);
  });
});

it('runs the example of the README', async () => {
  const server = await startChatServer({ model: 'm', answer: () => ({ text: JSON.stringify(plan) }) });
  servers.push(server);
  const baseURL = server.url;

  const model = createServedModel({ baseURL, model: 'Qwen/Qwen2.5-VL-7B-Instruct' });
  const planner = await createServedPolicy({ model });
  const session = await planner.begin([task], 4);
  const plans = await session.plan({ sampling: { temperature: 1 }, keys: Key.of(1).split(4) });

  expect(plans.map(({ text }) => text)).toEqual(Array(4).fill('A shorter candle.'));
  // Three requests of the probe, since this server has neither log-probabilities nor schemas, and one for each key.
  expect(model.usage().attempts).toBe(7);
});
