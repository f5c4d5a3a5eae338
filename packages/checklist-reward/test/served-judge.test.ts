import { createServedModel, type ServedModelOptions, type ServerCapabilities } from '@thinkrl/served';
import { type ChatServer, type ChatServerOptions, startChatServer } from '@thinkrl/served/server';
import { Key } from '@thinkrl/spec';
import { afterEach, describe, expect, it } from 'vitest';
import { openAiCompatible, readJudgePrompt } from '../src/served/index.ts';
import { grey, task } from './chains.ts';

const servers: ChatServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

const byToken: ServerCapabilities = { logProbs: true, yesNoLogProbs: true, jsonSchema: true };
const byJson: ServerCapabilities = { ...byToken, yesNoLogProbs: false };

async function modelOf(answer: ChatServerOptions['answer'], options: Partial<ServedModelOptions> = {}) {
  const server = await startChatServer({ model: 'm', answer });
  servers.push(server);
  const retry = { attempts: 2, firstWait: 1 };
  return createServedModel({ baseURL: server.url, model: 'm', retry, ...options });
}

const request = (value: number) => ({
  task: task('t'),
  image: grey(value),
  questions: task('t').checklist!.questions,
  key: Key.of(1),
});
const at = (token: string, probability: number) => ({ token, logProb: Math.log(probability) });

describe('openAiCompatible by log-probabilities', () => {
  it('asks each question with its pictures and reads P(yes)', async () => {
    const seen: string[] = [];
    const model = await modelOf(({ messages, topLogProbs }) => {
      const prompt = readJudgePrompt(messages)!;
      seen.push(
        `${prompt.questions} ${prompt.task.references[0]!.data[0]} ${topLogProbs} ${prompt.task.instruction}`,
      );
      // P(yes) : P(no) is the grey of the edited picture to 1/4, spread over spellings.
      const grey = prompt.image.data[0]!;
      const top = [at('Yes', grey / 2), at(' yes', grey / 2), at('no', 0.25)];
      return { text: 'Yes', tokens: [{ ...top[0]!, top }] };
    });
    const judge = await openAiCompatible({ model, capabilities: byToken });
    const [bright, dark] = await judge.answer([request(0.6), request(0.4)]);
    const probability = (grey: number) => grey / (grey + 0.25);
    const [first, second, third] = 'answers' in bright! ? bright.answers : [];
    expect([first!.reply, first!.agrees, third!.agrees]).toEqual(['yes', true, false]);
    for (const answer of [first, second, third])
      expect(answer!.probabilityOfYes).toBeCloseTo(probability(0.6), 6);
    expect('answers' in dark! && dark.answers[0]!.probabilityOfYes).toBeCloseTo(probability(0.4), 6);
    expect(seen.sort()).toEqual(
      ['Is it as before?', 'Is it brighter?', 'Is it white?'].flatMap((text) =>
        Array(2).fill(`${text} 0 20 brighten the picture`),
      ),
    );
  });

  it('takes the likelier answer, whatever token was said', async () => {
    const top = [at('no', 0.3), at('Yes', 0.25), at('yes', 0.2)];
    const model = await modelOf(() => ({ text: 'no', tokens: [{ ...top[0]!, top }] }));
    const [reply] = await (await openAiCompatible({ model, capabilities: byToken })).answer([request(0)]);
    expect('answers' in reply! && reply.answers[0]).toMatchObject({ reply: 'yes', probabilityOfYes: 0.6 });
  });

  it('leaves unjudged what is mostly no answer', async () => {
    const top = [at('Well', 0.75), at('yes', 0.25)];
    const model = await modelOf(() => ({ text: 'Well', tokens: [{ ...top[0]!, top }] }));
    const [reply] = await (await openAiCompatible({ model, capabilities: byToken })).answer([request(0)]);
    expect(reply).toEqual({
      unjudged: 'unreadable after 2 attempts: only 0.25 of the probability is on yes and no',
    });
  });
});

describe('openAiCompatible as JSON', () => {
  const listed = (replies: readonly string[]) => ({
    text: JSON.stringify({
      answers: replies.map((answer, index) => ({ number: index + 1, answer })).toReversed(),
    }),
  });

  it('asks all questions at once, under a schema, and takes answers in any order', async () => {
    let schema: unknown;
    const model = await modelOf((request) => {
      schema = request.schema;
      expect(readJudgePrompt(request.messages)!.questions).toHaveLength(3);
      return listed(['yes', 'no', 'no']);
    });
    const [reply] = await (await openAiCompatible({ model, capabilities: byJson })).answer([request(0)]);
    expect('answers' in reply! && reply.answers.map((answer) => answer.reply)).toEqual(['yes', 'no', 'no']);
    expect(schema).toMatchObject({ type: 'object', required: ['answers'] });
    expect(model.usage().attempts).toBe(1);
  });

  it.each([
    ['too few answers', listed(['yes', 'no']), '2 answers to 3 questions'],
    ['too many answers', listed(['yes', 'no', 'no', 'no']), '4 answers to 3 questions'],
    [
      'one answered twice',
      { text: JSON.stringify({ answers: [1, 1, 2].map((number) => ({ number, answer: 'yes' })) }) },
      '3 answers to 3 questions',
    ],
    [
      'another number',
      {
        text: '{"answers":[{"number":1,"answer":"yes"},{"number":2,"answer":"yes"},{"number":9,"answer":"yes"}]}',
      },
      'no answer to question 3',
    ],
    ['another word', listed(['yes', 'no', 'maybe']), 'answers.0.answer'],
    ['prose', { text: 'I would say yes.' }, 'not JSON'],
  ])('asks again after %s, then leaves the picture unjudged', async (_, answer, why) => {
    const model = await modelOf(() => answer);
    const judge = await openAiCompatible({ model, capabilities: byJson });
    const [reply] = await judge.answer([request(0)]);
    expect('unjudged' in reply! && reply.unjudged).toContain(why);
    expect(model.usage().attempts).toBe(2);
  });

  it('stops when it is told to', async () => {
    const model = await modelOf(() => new Promise(() => {}));
    const judge = await openAiCompatible({ model, capabilities: byJson });
    const abort = new AbortController();
    const answers = judge.answer([request(0)], { signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 20);
    await expect(answers).rejects.toThrow('enough');
  });
});

describe('probing', () => {
  it('asks by log-probabilities where it can and says so in the version', async () => {
    const plain = await openAiCompatible({ model: await modelOf(() => ({ text: 'yes' })) });
    expect(plain.version).toBe('prompt 1 by JSON');
    const token = { ...at('yes', 1), top: [at('yes', 1)] };
    const sure = await openAiCompatible({ model: await modelOf(() => ({ text: 'yes', tokens: [token] })) });
    expect(sure.version).toBe('prompt 1 by log-probabilities');
  });
});
