import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Key } from '@thinkrl/spec';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CachedJudge, cachedJudge, JudgeCacheError } from '../src/cache/index.ts';
import type { Judge, JudgeRequest } from '../src/index.ts';
import { noisyJudge } from '../src/index.ts';
import { fakeJudge } from '../src/testing/index.ts';
import { grey, task } from './chains.ts';

let folder: string;
let notices: string[];
const opened: CachedJudge[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'judgements-'));
  notices = [];
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((judge) => judge.close()));
  rmSync(folder, { recursive: true });
});

async function open(judge: Judge): Promise<CachedJudge> {
  const cached = await cachedJudge(judge, { folder, onNotice: (text) => notices.push(text) });
  opened.push(cached);
  return cached;
}

/** Yes to every third picture; grey tells the number. */
const honest = () => fakeJudge((_, { image }) => (Math.round(image.data[0]! * 99) % 3 === 0 ? 'yes' : 'no'));

const request = (number: number, parts: Partial<JudgeRequest> = {}): JudgeRequest => ({
  task: task('t'),
  image: grey(number / 99),
  questions: task('t').checklist!.questions,
  key: Key.of(7),
  ...parts,
});
const requests = (count: number) => Array.from({ length: count }, (_, number) => request(number));
const journal = () => join(folder, readdirSync(folder).find((name) => name.endsWith('.jsonl'))!);

describe('cachedJudge', () => {
  it('answers as the judge does and asks nothing again, also after it was opened anew', async () => {
    const truth = await honest().answer(requests(20));
    const judge = honest();
    const first = await open(judge);
    expect(await first.answer(requests(20))).toEqual(truth);
    expect(await first.answer(requests(20).toReversed())).toEqual(truth.toReversed());
    expect(judge.asked).toHaveLength(20);
    await first.close();
    const again = honest();
    const second = await open(again);
    expect(await second.answer(requests(20))).toEqual(truth);
    expect(again.asked).toEqual([]);
    expect(second.usage()).toEqual({ requests: 20, kept: 20, shared: 0, asked: 0 });
    expect([second.name, second.version]).toEqual([judge.name, judge.version]);
    expect(notices).toEqual([]);
  });

  it('tells requests apart by all that a reply may depend on', async () => {
    const judge = honest();
    const cached = await open(judge);
    const { questions } = request(0);
    const owner = task('t');
    const others: readonly Partial<JudgeRequest>[] = [
      {},
      { key: Key.of(8) },
      { image: { ...grey(0), width: 2 } },
      { questions: questions.slice(1) },
      { questions: questions.toReversed() },
      { questions: questions.map((question) => ({ ...question, expected: 'yes' })) },
      { task: { ...owner, id: 'u' } },
      { task: { ...owner, category: 'other' } },
      { task: { ...owner, instruction: 'darken' } },
      { task: { ...owner, references: [grey(0.5)] } },
      { task: { ...owner, references: [grey(0), grey(0)] } },
    ];
    await cached.answer(others.map((parts) => request(0, parts)));
    expect(judge.asked).toHaveLength(others.length);
    await cached.answer(others.map((parts) => request(0, parts)));
    expect(judge.asked).toHaveLength(others.length);
  });

  it('keeps the draws of a judge with noise apart, by their keys', async () => {
    const noisy = () => noisyJudge(honest(), { flip: 0.4 });
    const drawn = Array.from({ length: 30 }, (_, draw) => request(3, { key: Key.of(draw) }));
    const truth = await noisy().answer(drawn);
    expect(await (await open(noisy())).answer(drawn)).toEqual(truth);
    expect(await (await open(noisy())).answer(drawn)).toEqual(truth);
    expect(new Set(truth.map((reply) => JSON.stringify(reply))).size).toBeGreaterThan(1);
  });

  it('asks equal requests at the same time once, and leaves the others waiting where one gives up', async () => {
    let release!: () => void;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const inner = honest();
    const cached = await open({
      ...inner,
      answer: async (asked) => {
        await released;
        return inner.answer(asked);
      },
    });
    const abort = new AbortController();
    const hasty = cached.answer(requests(2), { signal: abort.signal });
    hasty.catch(() => {});
    const patient = cached.answer(requests(3));
    await new Promise((resolve) => setTimeout(resolve, 20));
    abort.abort(new Error('enough'));
    await expect(hasty).rejects.toThrow('enough');
    release();
    expect(await patient).toEqual(await honest().answer(requests(3)));
    expect(inner.asked).toHaveLength(3);
    expect(cached.usage()).toEqual({ requests: 5, kept: 0, shared: 2, asked: 3 });
  });

  it('keeps no picture that was left unjudged', async () => {
    let works = false;
    const inner = fakeJudge(() => (works ? 'yes' : undefined));
    const cached = await open(inner);
    expect(await cached.answer([request(0)])).toEqual([{ unjudged: 'no reply to brighter' }]);
    works = true;
    const [reply] = await cached.answer([request(0)]);
    expect(reply).toMatchObject({ answers: [{ reply: 'yes' }, { reply: 'yes' }, { reply: 'yes' }] });
    expect(inner.asked).toHaveLength(2);
  });

  it('keeps P(yes) to the last bit', async () => {
    const probabilityOfYes = 0.1 + 0.2;
    const inner = fakeJudge('yes');
    const sure: Judge = {
      ...inner,
      answer: async (asked) => {
        const [reply] = await inner.answer(asked);
        if ('unjudged' in reply!) return [reply];
        return [{ answers: reply!.answers.map((answer) => ({ ...answer, probabilityOfYes })) }];
      },
    };
    const [first] = await (await open(sure)).answer([request(0)]);
    const [again] = await (await open(fakeJudge('no'))).answer([request(0)]);
    expect(again).toEqual(first);
    expect(first).toMatchObject({ answers: [{ probabilityOfYes }, {}, {}] });
  });
});

describe('damage', () => {
  const written = async (count: number) => {
    const first = await open(honest());
    await first.answer(requests(count));
    await first.close();
    return readFileSync(journal());
  };
  const reopened = async (count: number) => {
    const judge = honest();
    const cached = await open(judge);
    expect(await cached.answer(requests(count))).toEqual(await honest().answer(requests(count)));
    return judge.asked.length;
  };

  it('loses the record that a crash cut off, wherever it was cut, and nothing written after it', async () => {
    const whole = await written(3);
    const lastLine = whole.lastIndexOf('\n', whole.length - 2) + 1;
    for (const length of [lastLine + 1, lastLine + 60, whole.length - 1]) {
      writeFileSync(journal(), whole.subarray(0, length));
      notices = [];
      expect(await reopened(3)).toBe(1);
      expect(notices).toEqual([`${journal()}: the last record was cut off; what it said is asked again`]);
      expect(await reopened(3)).toBe(0);
    }
  });

  it('loses the header that a crash cut off, and writes it again', async () => {
    const whole = await written(1);
    writeFileSync(journal(), whole.subarray(0, 20));
    expect(await reopened(1)).toBe(1);
    expect(await reopened(1)).toBe(0);
    expect(readFileSync(journal(), 'utf8')).toContain('"format":1');
  });

  it('leaves out a damaged record and asks what it said again', async () => {
    const whole = await written(5);
    const lines = whole.toString().split('\n');
    // One bit of the reply of the third record: still JSON, still a reply.
    lines[3] = lines[3]!.replace('"reply":"no"', '"reply":"np"').replace('"reply":"yes"', '"reply":"yet"');
    writeFileSync(journal(), lines.join('\n'));
    expect(await reopened(5)).toBe(1);
    expect(notices).toContain(`${journal()}: 1 damaged records; what they said is asked again`);
    expect(await reopened(5)).toBe(0);
  });

  it('refuses another format and says what to do', async () => {
    const whole = (await written(1)).toString();
    const [header] = whole.split('\n');
    const { writeRecord } = await import('../src/cache/record.ts');
    const json = header!.slice(header!.indexOf('{')).replace('"format":1', '"format":2');
    writeFileSync(journal(), whole.replace(`${header}\n`, writeRecord({ key: 'judge', json })));
    const failure = open(honest());
    await expect(failure).rejects.toThrow(JudgeCacheError);
    await expect(failure).rejects.toMatchObject({ code: 'CHECKLIST_JUDGE_CACHE', path: journal() });
    await expect(failure).rejects.toThrow('use another folder or remove it');
  });

  it('keeps the judgements of another version apart and says so', async () => {
    await written(2);
    const newer = { ...honest(), version: '2' };
    const cached = await open(newer);
    await cached.answer(requests(2));
    expect(cached.usage()).toMatchObject({ kept: 0, asked: 2 });
    expect(notices).toEqual([`${folder} also holds judgements of fake 1; 2 makes its own`]);
    expect(await reopened(2)).toBe(0);
  });

  it('names a folder that cannot be made or written', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(cachedJudge(honest(), { folder: join(file, 'x') })).rejects.toThrow(JudgeCacheError);
  });
});

describe.runIf(existsSync('/dev/full'))('a full disk', () => {
  it('stops the run with a named error, and is gone when there is room again', async () => {
    await (await open(honest())).close();
    const path = journal();
    rmSync(path);
    symlinkSync('/dev/full', path);
    await expect(open(honest())).rejects.toThrow(JudgeCacheError);
    await expect(open(honest())).rejects.toThrow(/: cannot be written \(\d+ bytes\): ENOSPC/);
    rmSync(path);
    expect(await (await open(honest())).answer(requests(2))).toHaveLength(2);
  });
});

describe('two caches on one folder', () => {
  it('see what the other kept, and keep their records apart', async () => {
    const [left, right] = [honest(), honest()];
    const [first, second] = [await open(left), await open(right)];
    await first.answer(requests(10));
    expect(await second.answer(requests(20))).toEqual(await honest().answer(requests(20)));
    expect(right.asked).toHaveLength(10);
    await Promise.all([first.answer(requests(60)), second.answer(requests(99).slice(60))]);
    const last = honest();
    expect(await (await open(last)).answer(requests(99))).toEqual(await honest().answer(requests(99)));
    expect(last.asked).toEqual([]);
    expect(notices).toEqual([]);
  });

  it('miss nothing of the other where many ask at the same time', async () => {
    const [left, right] = [honest(), honest()];
    const [first, second] = [await open(left), await open(right)];
    await first.answer(requests(30));
    await Promise.all(requests(60).map((one) => second.answer([one])));
    expect(right.asked).toHaveLength(30);
    await Promise.all(requests(90).map((one) => first.answer([one])));
    expect(left.asked).toHaveLength(60);
    await second.answer(requests(90));
    expect(right.asked).toHaveLength(30);
    expect(notices).toEqual([]);
  });

  it('go on after a record that the other was killed in', async () => {
    const judge = honest();
    const cached = await open(judge);
    await cached.answer(requests(2));
    appendFileSync(journal(), '0000beef half a rec');
    await cached.answer(requests(4));
    const last = honest();
    expect(await (await open(last)).answer(requests(4))).toEqual(await honest().answer(requests(4)));
    expect(last.asked).toEqual([]);
  });
});
