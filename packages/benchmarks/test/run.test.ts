import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServedModel } from '@thinkrl/served';
import { startChatServer } from '@thinkrl/served/server';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import {
  type BenchmarkEditor,
  BenchmarkFileError,
  type BenchmarkJudge,
  callKey,
  EditFailedError,
  identityEditor,
  krisBenchmark,
  loadKris,
  loadRise,
  replayJudge,
  riseBenchmark,
  runBenchmark,
  servedJudge,
} from '../src/index.ts';
import { deviations, fixturePath, readFixture } from './fixture.ts';
import { krisFolder, png, write } from './kris-folder.ts';

const out = () => mkdtemp(join(tmpdir(), 'thinkrl-run-'));
const five = (metric: string) => JSON.stringify({ [`${metric}_score`]: 5, reasoning: 'fine' });

/** Gives every score 5, and lists what it was asked. */
function kindJudge(asked: string[] = []): BenchmarkJudge {
  return {
    name: 'kind',
    version: '1',
    async reply({ call }) {
      asked.push(callKey(call));
      const text = call.step === 'dual' ? '{"instruction_score": 5, "knowledge_score": 5}' : five(call.step);
      return { text, complete: true };
    },
  };
}

/** The identity editor, with a list of what it was asked. */
function countedEditor(edited: string[], fail: (key: string) => unknown = () => null): BenchmarkEditor {
  return {
    name: 'counted',
    async edit(sample) {
      edited.push(sample.key);
      const error = fail(sample.key);
      if (error !== null) throw error;
      return identityEditor().edit(sample);
    },
  };
}

describe('runBenchmark', () => {
  it('edits, judges, scores and reports every sample', async () => {
    const bench = krisBenchmark(await loadKris(await krisFolder()));
    const folder = await out();
    const asked: string[] = [];
    const progress: string[] = [];
    const { report, problems, files } = await runBenchmark(bench, {
      out: folder,
      editor: identityEditor(),
      judge: kindJudge(asked),
      onProgress: ({ stage, done, total }) => progress.push(`${stage} ${done}/${total}`),
    });
    expect(problems).toEqual([]);
    expect(asked).toHaveLength(18);
    expect([progress.at(5), progress.at(11)]).toEqual(['check 6/6', 'edit 6/6']);
    expect(progress.at(-1)).toBe('judge 18/18');
    // Attribute, spatial and temporal are factual; nothing is missing and every score is 5.
    expect(report.tables[0]?.rows[0]).toEqual({ name: 'identity', cells: [100, 100, 100, 100] });
    expect(report.notComparable.join('; ')).toBe(
      "judged with own prompts, version 1, not with the benchmark's own; " +
        'judged by kind, published numbers by gpt-4o; 6 of 1267 samples were judged',
    );
    expect(files.map((path) => path.split('.').at(-1))).toEqual(['md', 'json', 'html']);
    expect(JSON.parse(await readFile(files[1]!, 'utf8'))).toEqual(report);
    expect(await readFile(files[0]!, 'utf8')).toContain('NOT COMPARABLE');
    expect(await readFile(files[2]!, 'utf8')).toContain('<td>GPT-4o (GPT-Image-1)</td><td>79.80</td>');
    expect(await readdir(join(folder, 'pictures', 'color_change'))).toEqual(['1.png', '2.png']);
  });

  it('goes on after any interruption with what is missing, and asks nothing twice', async () => {
    const data = await krisFolder();
    const folder = await out();
    const run = async (editor: BenchmarkEditor, judge: BenchmarkJudge) =>
      runBenchmark(krisBenchmark(await loadKris(data)), { out: folder, editor, judge, concurrency: 1 });
    const edited: string[] = [];
    const asked: string[] = [];
    const broken = (key: string) => (key === 'chemistry/1' ? new Error('power cut') : null);
    await expect(run(countedEditor(edited, broken), kindJudge(asked))).rejects.toThrow('power cut');
    expect(asked).toEqual([]);
    const stopping = kindJudge(asked);
    const stopped: BenchmarkJudge = {
      ...stopping,
      reply: (request) =>
        asked.length === 7 ? Promise.reject(new Error('killed')) : stopping.reply(request),
    };
    await expect(run(countedEditor(edited), stopped)).rejects.toThrow('killed');
    // A process that is killed while it writes leaves half a line.
    const replies = join(folder, 'replies.jsonl');
    await appendFile(replies, '{"hash":"12345","key":"color_ch');
    const { report } = await run(countedEditor(edited), kindJudge(asked));
    expect(report.tables[0]?.rows[0]?.cells.at(-1)).toBe(100);
    // Only the sample at which editing broke was begun twice.
    expect([...edited].sort()).toEqual([...new Set(edited), 'chemistry/1'].sort());
    expect(new Set(edited).size).toBe(6);
    expect(asked).toHaveLength(18);
    expect(new Set(asked).size).toBe(18);
    await run(countedEditor(edited), kindJudge(asked));
    expect([edited.length, asked.length]).toEqual([7, 18]);
    expect((await readFile(replies, 'utf8')).trim().split('\n')).toHaveLength(18);
  });

  it('asks again about a picture that has changed, and by another judge', async () => {
    const data = await krisFolder();
    const folder = await out();
    const asked: string[] = [];
    const run = async (judge: BenchmarkJudge) =>
      runBenchmark(krisBenchmark(await loadKris(data)), { out: folder, editor: identityEditor(), judge });
    await run(kindJudge(asked));
    await writeFile(join(folder, 'pictures', 'color_change', '2.png'), await png(1, 2, 3));
    asked.length = 0;
    await run(kindJudge(asked));
    expect(asked.sort()).toEqual(
      ['consistency', 'instruction', 'quality'].map((step) => `color_change/2/${step}`),
    );
    await run({ ...kindJudge(asked), version: '2' });
    expect(asked).toHaveLength(21);
  });

  it('reports broken samples and scores the others', async () => {
    const data = await krisFolder();
    const at = (...parts: readonly string[]) => join(data, ...parts);
    const record = { ori_img: '1.png', gt_img: '', ins_en: 'Do it.', explain_en: '' };
    const whole = await readFile(at('color_change', '1.png'));
    await write(at('count_change', 'cut.png'), whole.subarray(0, whole.length - 20));
    await write(at('count_change', 'empty.png'), '');
    await write(at('count_change', 'text.jpg'), 'not a picture');
    await write(at('count_change', 'named.jpg'), whole);
    const jpeg = await sharp(await png(9, 9, 9))
      .jpeg()
      .toBuffer();
    await write(at('count_change', 'half.jpg'), jpeg.subarray(0, jpeg.length / 2));
    const records = {
      ...Object.fromEntries(
        ['cut.png', 'empty.png', 'text.jpg', 'gone.png', 'named.jpg', 'half.jpg'].map((name, index) => [
          `${index + 1}`,
          { ...record, ori_img: name },
        ]),
      ),
      '7': { ...record, ins_en: 7 },
      '8': { ...record, ori_img: '../../../etc/passwd' },
      '9': { ...record, ori_img: ['1.png', '2.png'] },
      '../10': record,
      '11': null,
    };
    await write(at('count_change', 'annotation.json'), JSON.stringify(records));
    const { report, problems } = await runBenchmark(krisBenchmark(await loadKris(data)), {
      out: await out(),
      editor: identityEditor(),
      judge: kindJudge(),
    });
    const byKey = Object.fromEntries(problems.map(({ key, problem }) => [key, problem]));
    expect(Object.keys(byKey).sort()).toEqual(
      [1, 2, 3, 4, 6, 7, 8, 9, '../10', 11].map((id) => `count_change/${id}`).sort(),
    );
    expect(byKey['count_change/1']).toMatch(/cut\.png is damaged: /);
    expect(byKey['count_change/2']).toMatch(/empty\.png is empty$/);
    expect(byKey['count_change/3']).toMatch(/text\.jpg is no PNG, JPEG, GIF or WebP picture$/);
    expect(byKey['count_change/4']).toMatch(/gone\.png cannot be read \(ENOENT\)$/);
    expect(byKey['count_change/6']).toMatch(/half\.jpg is damaged: /);
    expect(byKey['count_change/7']).toBe('ins_en: Invalid input: expected string, received number');
    expect(byKey['count_change/8']).toBe('names a file outside the folder of the benchmark');
    expect(byKey['count_change/9']).toBe('ori_img: must be one file here');
    expect(byKey['count_change/../10']).toBe('has an id that cannot name a file');
    expect(report.facts.samples).toBe('7 of 1267 judged, 0 without every score');
    expect(report.notes).toHaveLength(10);
  });

  it('makes a damaged output anew, and reports what its editor cannot edit', async () => {
    const data = await krisFolder();
    const folder = await out();
    await write(join(folder, 'pictures', 'color_change', '1.jpg'), 'half a picture');
    const edited: string[] = [];
    const refuse = (key: string) => (key === 'color_change/2' ? new EditFailedError('too blue') : null);
    const { problems } = await runBenchmark(krisBenchmark(await loadKris(data)), {
      out: folder,
      editor: countedEditor(edited, refuse),
      judge: kindJudge(),
    });
    expect(edited).toContain('color_change/1');
    expect(problems).toEqual([{ key: 'color_change/2', problem: 'was not edited: too blue' }]);
    expect(await readdir(join(folder, 'pictures', 'color_change'))).toEqual(['1.png']);
  });

  it('counts replies without a score, and asks for them again where that is wanted', async () => {
    const data = await krisFolder();
    const folder = await out();
    const unsure: BenchmarkJudge = {
      ...kindJudge(),
      reply: async ({ call }) =>
        call.step === 'quality'
          ? { text: 'I would rather not say.', complete: true }
          : call.sample.category === 'chemistry'
            ? { failed: 'timeout after 5 attempts' }
            : kindJudge().reply({ call, content: [] }),
    };
    const run = async (judge: BenchmarkJudge, askAgain: boolean) =>
      runBenchmark(krisBenchmark(await loadKris(data)), {
        out: folder,
        editor: identityEditor(),
        judge,
        askAgain,
      });
    const { report, problems } = await run(unsure, false);
    expect(problems).toHaveLength(6);
    expect(problems.find(({ key }) => key === 'chemistry/1')?.problem).toBe(
      'no reply: timeout after 5 attempts',
    );
    expect(problems.find(({ key }) => key === 'color_change/1')?.problem).toBe('no score in a reply');
    expect(report.facts.samples).toBe('6 of 1267 judged, 6 without every score');
    const asked: string[] = [];
    await run(kindJudge(asked), false);
    expect(asked.sort()).toEqual(['chemistry/1/consistency', 'chemistry/1/dual']);
    const { problems: left } = await run(kindJudge(asked), true);
    expect(asked.slice(2).every((key) => key.endsWith('/quality'))).toBe(true);
    expect([asked.length, left]).toEqual([8, []]);
  });

  it('scores the fixtures end to end as their evaluators did', async () => {
    const loaded = await loadRise(fixturePath('rise', 'data'));
    const { model } = readFixture<{ model: string }>('rise', 'judge_answers.json');
    const { report } = await runBenchmark(riseBenchmark(loaded, { parsing: 'upstream' }), {
      out: await out(),
      pictures: fixturePath('rise', 'outputs', model),
      judge: await replayJudge(fixturePath('rise', 'judge_answers.json')),
    });
    const expected = readFixture<
      Record<string, { aggregate: Record<string, Record<string, number | null>> }>
    >('rise', 'expected.json');
    const [, run] = Object.entries(expected).find(([name]) => name.startsWith('full_style__data'))!;
    const percent = (share: number | null) => (share === null ? null : 100 * share);
    const rows = Object.entries(run.aggregate).map(([name, row]) => ({
      name,
      cells: [row['Score-Origin'], row['Score-Percentage'], percent(row.Accuracy!)],
    }));
    expect(deviations(report.tables[1]?.rows, rows)).toEqual([]);
  });
});

describe('a served judge', () => {
  it('gets prompt, labels and pictures in order over HTTP', async () => {
    const seen: { parts: string[]; temperature: number }[] = [];
    const server = await startChatServer({
      model: 'gpt-4o-local',
      answer: ({ messages, temperature }) => {
        const parts = messages.flatMap(({ content }) =>
          content.map((part) => (typeof part === 'string' ? part : 'data' in part ? 'png' : part.mediaType)),
        );
        seen.push({ parts, temperature });
        return {
          text: '{"instruction_score": 4, "consistency_score": 3, "quality_score": 2, "knowledge_score": 1}',
        };
      },
    });
    const judge = servedJudge(createServedModel({ baseURL: server.url, model: 'gpt-4o-local' }));
    const bench = krisBenchmark(await loadKris(await krisFolder()));
    const { report, problems } = await runBenchmark(bench, {
      out: await out(),
      editor: identityEditor(),
      judge,
      concurrency: 1,
    });
    await server.close();
    expect(problems).toEqual([]);
    // VC 3, VQ 2, IF 4, KP 1 of 5.
    const dimensions = report.tables[1]!.rows.find(({ name }) => name === 'Overall')!;
    expect(dimensions.cells).toEqual([50, 25, 75, 0, (5 * 50 + 37.5) / 6, 6]);
    const shapes = seen.map(({ parts }) => parts.slice(1).join(' '));
    const pair = 'This is the original image: png This is the edited image: png';
    expect(shapes).toContain(pair);
    expect(shapes).toContain(`${pair} This is the ground truth image: png`);
    expect(shapes).toContain(
      [1, 2, 3, 4].map((n) => `Frame ${n} (${n === 3 ? 'Generated' : 'Reference'}): image/jpeg`).join(' '),
    );
    expect(report.notComparable.join()).not.toContain('judged by');
  });

  it('that cannot be reached leaves samples without scores, not wrong ones', async () => {
    const server = await startChatServer({
      model: 'm',
      answer: () => ({ text: '5' }),
      fault: () => ({ kind: 'error' }),
    });
    const retry = { attempts: 2, firstWait: 1, longestWait: 1 };
    const judge = servedJudge(createServedModel({ baseURL: server.url, model: 'm', retry }));
    const bench = krisBenchmark(await loadKris(await krisFolder()));
    const { report, problems } = await runBenchmark(bench, {
      out: await out(),
      editor: identityEditor(),
      judge,
    });
    await server.close();
    expect(problems.map(({ problem }) => problem)).toEqual(
      Array(6).fill('no reply: server-error after 2 attempts: 500 broken'),
    );
    expect(report.tables[0]?.rows[0]?.cells).toEqual([null, null, null, null]);
  });
});

describe('files that cannot be used', () => {
  it('are named', async () => {
    const empty = await out();
    await expect(loadKris(empty)).rejects.toThrow(`${empty}: has no <category>/annotation.json`);
    await expect(loadRise(empty)).rejects.toThrow(
      'has no datav2_total_w_subtask.json and no data_total.json',
    );
    await write(join(empty, 'color_change', 'annotation.json'), '{"1": ');
    await expect(loadKris(empty)).rejects.toThrow('annotation.json: is no JSON: ');
    await write(join(empty, 'data_total.json'), '{}');
    await expect(loadRise(empty)).rejects.toThrow('holds no list of records');
    await write(join(empty, 'answers.json'), '{"answers": 1}');
    await expect(replayJudge(join(empty, 'answers.json'))).rejects.toThrow(BenchmarkFileError);
    await rm(empty, { recursive: true });
  });

  it('of RISE, record by record, are reported', async () => {
    const folder = await out();
    const record = {
      index: 'a_1',
      category: 'causal_reasoning',
      instruction: 'x',
      image: '1.png',
      reference: 'y',
    };
    const records = [
      record,
      record,
      { ...record, index: 'a/2' },
      { ...record, index: 'a_3', category: 'other' },
      { ...record, index: 'a_4', reference: undefined },
      { ...record, index: 'a_5', image: '/etc/passwd' },
      { ...record, index: 'a_6', category: 'logical_reasoning' },
      null,
    ];
    await write(join(folder, 'data_total.json'), JSON.stringify(records));
    const { samples, problems } = await loadRise(folder);
    expect(samples.map(({ key }) => key)).toEqual(['a_1']);
    expect(problems.map(({ key }) => key)).toEqual(['a_1', 'a/2', 'a_3', 'a_4', 'a_5', 'a_6', 'record 8']);
  });

  it('of replies are named with their line', async () => {
    const folder = await out();
    await write(join(folder, 'replies.jsonl'), 'nonsense\n{"hash":"1"}\n');
    const bench = krisBenchmark(await loadKris(await krisFolder()));
    await expect(
      runBenchmark(bench, { out: folder, editor: identityEditor(), judge: kindJudge() }),
    ).rejects.toThrow('replies.jsonl: line 1 is no reply');
  });
});
