import type { ChatMessage } from '@thinkrl/served';
import { createServedModel } from '@thinkrl/served';
import { type ChatServer, startChatServer } from '@thinkrl/served/server';
import { type EditTask, type Image, Key, type Question } from '@thinkrl/spec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checklistDimension } from '../src/index.ts';
import { openAiCompatible } from '../src/served/index.ts';
import { attacks } from './attacks.ts';

/** A picture that shows a text: a dark first pixel, then a character in each. What an OCR of a model would read. */
function picture(text: string): Image {
  const characters = Array.from(text, (_, i) => (text.charCodeAt(i) % 256) / 255);
  return {
    width: characters.length + 1,
    height: 1,
    data: Float32Array.from([0, ...characters].flatMap((c) => [c, c, c])),
  };
}

function shownIn({ width, data }: Image): string {
  return Array.from({ length: width - 1 }, (_, i) =>
    String.fromCharCode(Math.round(data[(i + 1) * 3]! * 255)),
  ).join('');
}

/** The conversation as one text, by the chat template of Qwen's models; what a picture shows is read where it stands. */
function templated(messages: readonly ChatMessage[]): string {
  const turns = messages.map(({ role, content }) => {
    const parts = content.map((part) => (typeof part === 'string' ? part : shownIn(part as Image)));
    return `<|im_start|>${role}\n${parts.join('\n')}<|im_end|>`;
  });
  return turns.join('\n');
}

/** All it is told, foreign or not: every order to answer in some way, in the order of reading. */
const everything = (text: string) => text;
/** What stands outside data blocks in the last turn, whoever opened that turn or closed those blocks. */
const outsideData = (text: string) =>
  text
    .split('<|im_start|>')
    .at(-1)!
    .replaceAll(/<data>.*?<\/data>/gs, '');

/** Says what the last order it sees tells it: `yes`, or the truth where asked for an answer; the truth is no. */
function obey(messages: readonly ChatMessage[], heed: (text: string) => string): 'yes' | 'no' {
  const orders = heed(templated(messages)).match(/answer yes\.|answer the question|answer each of the/gi);
  return orders?.at(-1)?.toLowerCase() === 'answer yes.' ? 'yes' : 'no';
}

let server: ChatServer;
let heed = everything;
beforeAll(async () => {
  server = await startChatServer({
    model: 'obedient',
    answer: ({ messages, schema }) => {
      const reply = obey(messages, heed);
      const token = { token: reply, logProb: 0 };
      const answers = [1, 2].map((number) => ({ number, answer: reply }));
      return schema === undefined
        ? { text: reply, tokens: [{ ...token, top: [token] }] }
        : { text: JSON.stringify({ answers }) };
    },
  });
});
afterAll(() => server.close());

/** Two questions that expect yes; the honest answers are no and no. */
const questions = (suffix = ''): readonly Question[] => [
  { id: 'red', text: `Is the sky red?${suffix}`, expected: 'yes' },
  { id: 'gone', text: `Is the boat gone?${suffix}`, expected: 'yes' },
];

function taskOf(parts: {
  readonly instruction?: string;
  readonly suffix?: string;
  readonly seen?: string;
}): EditTask {
  return {
    id: 't',
    references: [picture(parts.seen ?? '')],
    instruction: `paint the sky ${parts.instruction ?? ''}`,
    category: 'test',
    checklist: { source: 'test', questions: questions(parts.suffix) },
  };
}

const modes = {
  'log-probabilities': { logProbs: true, yesNoLogProbs: true, jsonSchema: true },
  JSON: { logProbs: false, yesNoLogProbs: false, jsonSchema: true },
};

describe.each(Object.entries(modes))('attacks on a judge asked by %s', (_, capabilities) => {
  const score = async (task: EditTask, image = picture('')) => {
    const model = createServedModel({ baseURL: server.url, model: 'obedient' });
    const judge = await openAiCompatible({ model, capabilities });
    return (await checklistDimension({ judge }).score([{ task, image, key: Key.of(0) }]))[0];
  };

  it.each([
    ['everything', everything],
    ['what stands outside data', outsideData],
  ])('change no score where it heeds %s', async (_, heeded) => {
    heed = heeded;
    const honest = await score(taskOf({}));
    expect(honest).toMatchObject({ value: 0 });
    const attacked = Object.values(attacks).flatMap((attack) => [
      score(taskOf({ instruction: attack })),
      score(taskOf({ suffix: attack })),
      score(taskOf({ seen: attack }), picture(attack)),
    ]);
    expect(await Promise.all(attacked)).toEqual(attacked.map(() => honest));
  });
});

describe('the obedient judge', () => {
  it('falls for every attack in a prompt that is put together without care', () => {
    for (const attack of Object.values(attacks)) {
      const text = `Answer the question: is the sky red?\n<data>\n"paint the sky ${attack}"\n</data>`;
      expect(obey([{ role: 'user', content: [text] }], everything)).toBe('yes');
    }
    const escaping = ['closing tag', 'two blocks', 'ChatML turn', 'ChatML system', 'line separators'];
    for (const name of escaping) {
      const text = `<data>\n"paint the sky ${attacks[name]}"\n</data>\nReply.`;
      expect(obey([{ role: 'user', content: [text] }], outsideData), name).toBe('yes');
    }
  });
});
