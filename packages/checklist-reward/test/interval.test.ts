import { createServedModel } from '@thinkrl/served';
import { type ChatServerOptions, startChatServer } from '@thinkrl/served/server';
import { ConfigError, Key } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import {
  intervalDimension,
  intervalScore,
  JudgeContractError,
  noisyRater,
  type Rater,
  type Rating,
  waveringRater,
} from '../src/index.ts';
import { openAiRater, readJudgePrompt } from '../src/served/index.ts';
import { grey, task } from './chains.ts';

const always = (rating: number): Rater => ({
  name: 'always',
  version: '1',
  rate: async (requests) => requests.map(() => ({ rating: rating as Rating })),
});
const request = (draw: number) => ({ task: task('t'), image: grey(1), key: Key.of(draw) });
const requests = Array.from({ length: 4000 }, (_, draw) => request(draw));

/** How often each mark was given, 1 to 5. */
async function marks(rater: Rater): Promise<readonly number[]> {
  const counts = [0, 0, 0, 0, 0];
  for (const mark of await rater.rate(requests)) if ('rating' in mark) counts[mark.rating - 1]! += 1;
  return counts;
}

describe('intervalDimension', () => {
  it('maps marks to [0, 1]', async () => {
    expect(([1, 2, 3, 4, 5] as const).map(intervalScore)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    const dimension = intervalDimension({ rater: always(4) });
    expect(dimension.name).toBe('instruction');
    expect(await dimension.score([request(0)])).toEqual([{ value: 0.75 }]);
    expect(await dimension.score([])).toEqual([]);
  });

  it('passes unjudged pictures on and refuses marks that are none', async () => {
    const unjudged: Rater = { ...always(1), rate: async () => [{ unjudged: 'tired' }] };
    expect(await intervalDimension({ rater: unjudged }).score([request(0)])).toEqual([{ unjudged: 'tired' }]);
    for (const rater of [always(6), always(2.5), { ...always(1), rate: async () => [] }])
      await expect(intervalDimension({ rater }).score([request(0)])).rejects.toThrow(JudgeContractError);
  });
});

describe('noisyRater', () => {
  it('gives another mark at the given rate, each of the four as often', async () => {
    const counts = await marks(noisyRater(always(5), { wrong: 0.2, error: 'another' }));
    // 4000 draws: 200 of each wrong mark, standard deviation 13.8; 3200 right ones, 25.3.
    for (const count of counts.slice(0, 4)) expect(Math.abs(count - 200)).toBeLessThan(4 * 13.8);
    expect(Math.abs(counts[4]! - 3200)).toBeLessThan(4 * 25.3);
  });

  it('gives the opposite mark where told to, by the key alone', async () => {
    const rater = noisyRater(always(4), { wrong: 0.2, error: 'opposite' });
    const counts = await marks(rater);
    expect([counts[0], counts[2], counts[4]]).toEqual([0, 0, 0]);
    expect(Math.abs(counts[1]! - 800)).toBeLessThan(4 * 25.3);
    expect(await rater.rate([request(3)])).toEqual(await rater.rate([request(3)]));
    expect(() => noisyRater(always(1), { wrong: 1.5, error: 'another' })).toThrow(ConfigError);
  });
});

describe('waveringRater', () => {
  it('adds noise to marks, rounded and kept within 1 to 5', async () => {
    const counts = await marks(waveringRater(always(4), 0.8));
    // Normal of deviation 0.8 around 4: 5 above 4.5 has 0.266, 4 has 0.468, 3 has 0.236, 2 and below 0.030.
    const expected = [1.8, 119.8, 942.5, 1871.8, 1064.0];
    counts.forEach((count, i) => {
      expect(Math.abs(count - expected[i]!)).toBeLessThan(4 * Math.sqrt(expected[i]!) + 2);
    });
    expect(() => waveringRater(always(1), -1)).toThrow(ConfigError);
  });
});

describe('openAiRater', () => {
  const rated = async (answer: ChatServerOptions['answer']) => {
    const server = await startChatServer({ model: 'm', answer });
    const retry = { attempts: 2, firstWait: 1 };
    const rater = openAiRater({ model: createServedModel({ baseURL: server.url, model: 'm', retry }) });
    const [mark] = await rater.rate([request(0)]);
    await server.close();
    return mark;
  };

  it('asks for one mark under a schema, with the pictures and the instruction as data', async () => {
    let seen: Parameters<ChatServerOptions['answer']>[0] | undefined;
    const mark = await rated((asked) => {
      seen = asked;
      return { text: '{"rating": 4}' };
    });
    expect(mark).toEqual({ rating: 4 });
    expect(readJudgePrompt(seen!.messages)).toBeNull();
    const parts = seen!.messages[1]!.content;
    expect(parts.filter((part) => typeof part !== 'string')).toHaveLength(2);
    expect(parts.at(-1)).toContain('"edit that was asked for": "brighten the picture"');
    expect(seen!.schema).toMatchObject({ properties: { rating: { minimum: 1, maximum: 5 } } });
  });

  it.each(['{"rating": 6}', '{"rating": "4"}', 'four', '{"rating": 4.5}'])(
    'leaves a picture unjudged for %s',
    async (text) => {
      expect(await rated(() => ({ text }))).toMatchObject({
        unjudged: expect.stringContaining('unreadable after 2 attempts'),
      });
    },
  );
});
