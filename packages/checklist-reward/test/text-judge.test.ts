import { loadOcr, type Ocr, textDimension, textJudge } from '@thinkrl/checklist-reward/onnx';
import { fakeTextReader } from '@thinkrl/checklist-reward/testing';
import { type EditTask, type Image, Key, type Question } from '@thinkrl/spec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawLettering, drawText, misspell, renderText } from './rendered-text.ts';

const PAIRS = 200;

let ocr: Ocr;

beforeAll(async () => {
  ocr = await loadOcr({ workers: 2 });
});

afterAll(() => ocr.close());

const task: EditTask = {
  id: 'sign',
  references: [],
  instruction: 'make the sign read OPEN',
  category: 'text',
};

function pair(index: number) {
  const stream = Key.of(5).fold(index).stream();
  const lettering = drawLettering(stream);
  const right = drawText(stream);
  return { right, wrong: misspell(right, stream), lettering };
}

async function likelihoods(image: Image, texts: readonly string[]): Promise<readonly number[]> {
  const lines = await ocr.reader.read(image);
  return texts.map((text) => Math.max(...lines.map((line) => line.logLikelihood(text)!)));
}

describe('the likelihood of the target text', () => {
  it('prefers the right text in at least 95 % of 200 rendered pairs, in one picture and between two', async () => {
    const verdicts = await Promise.all(
      Array.from({ length: PAIRS }, async (_, index) => {
        const { right, wrong, lettering } = pair(index);
        const [shown, other] = [await renderText(right, lettering), await renderText(wrong, lettering)];
        const [own, rival] = (await likelihoods(shown, [right, wrong])) as [number, number];
        const [elsewhere] = (await likelihoods(other, [right])) as [number];
        return { inPicture: own > rival, betweenPictures: own > elsewhere };
      }),
    );
    const share = (name: 'inPicture' | 'betweenPictures') =>
      verdicts.filter((verdict) => verdict[name]).length / PAIRS;
    console.log(
      `right text preferred: in one picture ${share('inPicture')}, between two ${share('betweenPictures')}`,
    );
    expect(share('inPicture')).toBeGreaterThanOrEqual(0.95);
    expect(share('betweenPictures')).toBeGreaterThanOrEqual(0.95);
  }, 400_000);
});

const ask = (text: string, expected: Question['expected'] = 'yes'): Question => ({
  id: text,
  text,
  expected,
});

describe('textJudge', () => {
  const lettering = { ...drawLettering(Key.of(1).stream()), font: 0, size: 40, noise: 0, blur: 0 };
  const key = Key.of(1);

  it('reads a sign somewhere in a larger picture and answers in both polarities', async () => {
    const image = await renderText('OPEN', lettering, { width: 480, height: 320, x: 250, y: 170 });
    const judge = textJudge({ reader: ocr.reader });
    const questions = [
      ask('Does the sign read "OPEN" now?'),
      ask('Does the sign still read “CLOSED”?', 'no'),
      ask('Does the sign read "OPFN" now?'),
    ];
    const [reply] = await judge.answer([{ task, image, questions, key }]);
    expect(reply).toMatchObject({
      answers: [
        { reply: 'yes', agrees: true },
        { reply: 'no', agrees: true },
        { reply: 'no', agrees: false },
      ],
    });
    expect(judge.version).toMatch(/^[0-9a-f]{16}\+[0-9a-f]{16}$/);
  });

  it('leaves pictures unjudged for questions without a text or with an unknown letter', async () => {
    const image = await renderText('OPEN', lettering);
    const judge = textJudge({ reader: ocr.reader });
    const requests = ['Is it prettier now?', 'Does it read "\u{1F600}"?'].map((text) => ({
      task,
      image,
      questions: [ask(text)],
      key,
    }));
    const replies = await judge.answer(requests);
    expect(replies.every((reply) => 'unjudged' in reply)).toBe(true);
  });

  it('says no where there is no text at all', async () => {
    const image: Image = { width: 64, height: 64, data: new Float32Array(64 * 64 * 3).fill(0.5) };
    const [reply] = await textJudge({ reader: ocr.reader }).answer([
      { task, image, questions: [ask('Does it read "OPEN"?')], key },
    ]);
    expect(reply).toMatchObject({ answers: [{ reply: 'no' }] });
  });

  it('stops when it is cancelled', async () => {
    const image = await renderText('OPEN', lettering);
    const requests = Array.from({ length: 20 }, () => ({ task, image, questions: [ask('"OPEN"?')], key }));
    const controller = new AbortController();
    const answers = textJudge({ reader: ocr.reader }).answer(requests, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(answers).rejects.toThrow('enough');
  });
});

describe('textDimension', () => {
  it('falls as the text is less and less what was asked for', async () => {
    const lettering = { ...drawLettering(Key.of(2).stream()), font: 1, size: 44, noise: 0, blur: 0 };
    const images = await Promise.all(
      ['BAKERY', 'BAKFRY', 'RAKFRV'].map((text) => renderText(text, lettering)),
    );
    const dimension = textDimension({ reader: ocr.reader, textOf: () => 'BAKERY' });
    const scores = await dimension.score(images.map((image) => ({ task, image, key: Key.of(1) })));
    const [right, near, far] = scores.map((score) =>
      'value' in score ? score.value : Number.NaN,
    ) as number[];
    expect(right).toBeGreaterThan(0.9);
    expect(near).toBeLessThan(right!);
    expect(far).toBeLessThan(near!);
  });
});

describe('a fake reader', () => {
  it('stands in for the networks', async () => {
    const image: Image = { width: 1, height: 1, data: new Float32Array(3) };
    const reader = fakeTextReader(() => ['OPEN', '24 hours']);
    const questions = [ask('Is there "24 hours"?'), ask('Is there "OPEN LATE"?')];
    const [reply] = await textJudge({ reader }).answer([{ task, image, questions, key: Key.of(1) }]);
    expect(reply).toMatchObject({ answers: [{ reply: 'yes' }, { reply: 'no' }] });
    const dimension = textDimension({ reader, textOf: () => '24 hours' });
    expect(await dimension.score([{ task, image, key: Key.of(1) }])).toEqual([{ value: 1 }]);
  });
});
