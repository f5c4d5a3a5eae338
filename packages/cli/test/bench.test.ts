import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { evaluationTasks } from '@thinkrl/recipes';
import { type ServerRequest, startChatServer } from '@thinkrl/served/server';
import { describe, expect, test } from 'vitest';
import { krisFolder } from '../../benchmarks/test/kris-folder.ts';
import { main } from '../src/index.ts';
import { scriptedRecipe } from './scripted-recipe.ts';

async function thinkrl(...words: readonly string[]) {
  let stdout = '';
  let stderr = '';
  const status = await main(words, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    load: async () => scriptedRecipe(0),
  });
  return { status, stdout, stderr };
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const folder = () => mkdtemp(join(tmpdir(), 'thinkrl-bench-'));
const fixtures = process.env.THINKRL_FIXTURES ?? here('../../benchmarks/test/fixtures');
const rise = (...parts: readonly string[]) => join(fixtures, 'benchmarks', 'rise', ...parts);

/** What a model could say to any prompt of KRIS-Bench: 4 for consistency, 3 for instruction, 2 for quality, 5 for knowledge. */
function opinion({ messages }: ServerRequest) {
  const text = String(messages[0]!.content[0]);
  const scores = { consistency: 4, instruction: 3, quality: 2, knowledge: 5 };
  const asked = Object.entries(scores).filter(([name]) => text.includes(`${name}_score`));
  return { text: JSON.stringify(Object.fromEntries(asked.map(([name, score]) => [`${name}_score`, score]))) };
}

describe('eval --bench kris', () => {
  test('asks a real server about real files, goes on after a broken run, and reports', async () => {
    const [data, out] = [await krisFolder(), await folder()];
    const requests: ServerRequest[] = [];
    let broken = true;
    const server = await startChatServer({
      model: 'local',
      answer: (request) => {
        requests.push(request);
        return opinion(request);
      },
      fault: (index) => (broken && index >= 10 ? { kind: 'rate-limit', seconds: 0 } : undefined),
    });
    const run = (...more: readonly string[]) =>
      thinkrl(
        ...['eval', '--bench', 'kris', '--data', data, '--editor', 'identity', '--out', out],
        ...['--judge', server.url, '--judge-model', 'local', '--concurrency', '2', ...more],
      );
    const first = await run();
    expect(first.status).toBe(0);
    expect(first.stderr).toMatch(/no reply: rate-limited after 5 attempts: 429 slow down/);
    broken = false;
    requests.length = 0;
    const second = await run();
    await server.close();
    // 18 questions; ten were answered before the server broke.
    expect(requests).toHaveLength(8);
    expect(second.status).toBe(0);
    // Five samples of VC 4, VQ 2, IF 3 and one that has KP 5 as well: (75 + 25 + 50) / 3 and (75 + 25 + 50 + 100) / 4.
    const row = /^identity +50\.00 +62\.50 +50\.00 +(\d+\.\d\d)$/m.exec(second.stdout);
    expect(row?.[1]).toBe(((5 * 50 + 62.5) / 6).toFixed(2));
    expect(second.stdout).toContain(
      'not comparable with published numbers: judged with own prompts, version 1',
    );
    expect(second.stdout).toContain('parsing: upstream');
    expect(second.stdout).toMatch(/GPT-4o \(GPT-Image-1\) +79\.80 +81\.37 +78\.32 +80\.09/);
    const report = JSON.parse(await readFile(join(out, 'report.json'), 'utf8')) as { notes: unknown };
    expect(report.notes).toEqual([]);
    const third = await run('--weighting', 'value', '--json');
    const end = JSON.parse(third.stdout.trim().split('\n').at(-1)!) as { type: string; facts: object };
    expect(end).toMatchObject({ type: 'end', facts: { weighting: 'value', editor: 'identity' } });
    expect(third.stderr).toBe('');
  });

  test('Ctrl-C keeps what is done and says how to go on', async () => {
    const [data, out] = [await krisFolder(), await folder()];
    const words = ['eval', '--bench', 'kris', '--data', data, '--out', out];
    const slow = `"${process.execPath}" "${here('slow-editor.mjs')}"`;
    await writeFile(join(out, 'answers.json'), '{"answers": {}}');
    const judge = ['--judge', `replay:${join(out, 'answers.json')}`];
    const loader = ['--import', 'tsx', '--conditions=@thinkrl/source', here('interruptible.ts')];
    const child = spawn(process.execPath, [...loader, ...words, '--editor', slow, ...judge], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.once('data', () => child.kill('SIGINT'));
    const status = await new Promise((done) => child.on('close', done));
    expect(status).toBe(130);
    expect(stdout).toContain('the same command goes on with it');
  });
});

describe('eval --bench rise', () => {
  const answers = rise('judge_answers.json');
  const { model } = JSON.parse(readFileSync(answers, 'utf8')) as { model: string };
  const words = [
    ...['eval', '--bench', 'rise', '--data', rise('data'), '--pictures', rise('outputs', model)],
    ...['--judge', `replay:${answers}`, '--parsing', 'upstream'],
  ];

  test('scores pictures that are there by replies that are there, with the named switches', async () => {
    const score = async (...more: readonly string[]) => {
      const { stdout } = await thinkrl(...words, '--out', await folder(), '--json', ...more);
      const { tables } = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
        tables: { rows: { name: string; cells: (number | null)[] }[] }[];
      };
      return tables[1]!.rows[0]!.cells;
    };
    const expected = JSON.parse(await readFile(rise('expected.json'), 'utf8')) as Record<
      string,
      { aggregate: { Overall: Record<string, number> } }
    >;
    const overall = (beginning: string) => {
      const [, run] = Object.entries(expected).find(([name]) => name.startsWith(beginning))!;
      return run.aggregate.Overall;
    };
    const [upstream, weighted] = [overall('full_style__data'), overall('full_style__with_NaN')];
    const close = async (cells: Promise<readonly (number | null)[]>, run: Record<string, number>) => {
      const [mean, percentage, accuracy] = await cells;
      expect(mean).toBeCloseTo(run['Score-Origin']!, 9);
      expect(percentage).toBeCloseTo(run['Score-Percentage']!, 9);
      expect(accuracy).toBeCloseTo(100 * run.Accuracy!, 9);
    };
    await close(score(), upstream);
    await close(score('--score-mode', 'weighted'), weighted);
    const nofree = overall('no_consistency_free_column');
    await close(score('--annotation', rise('data', 'nofree_w_subtask.json')), nofree);
  });
});

describe('eval --bench micro', () => {
  test('takes any editor, and a judge beside the exact one', async () => {
    const [out, answers] = [await folder(), join(await folder(), 'answers.json')];
    const tasks = (['id', 'ood'] as const).flatMap((split) => evaluationTasks(split, 3));
    const yes = tasks.map(({ id, checklist }) => [
      id,
      Object.fromEntries(checklist.questions.map((question) => [question.id, 'yes'])),
    ]);
    await writeFile(answers, JSON.stringify({ answers: Object.fromEntries(yes) }));
    const { status, stdout } = await thinkrl(
      ...[
        'eval',
        '--editor',
        'identity',
        '--evaluation.tasks',
        '3',
        '--out',
        out,
        '--judge',
        `replay:${answers}`,
      ],
    );
    expect(status).toBe(0);
    // Nothing is edited: never strictly right, always idle.
    expect(stdout).toMatch(/all +\d+\.\d\d +0\.00 +\d+\.\d\d +\d+\.\d\d +100\.00 +\d+\.\d\d +\d+\.\d\d +3$/m);
    expect(stdout).toContain('judge: exact, and replay');
  });

  test('a served judge answers by its log-probabilities', async () => {
    const top = [
      { token: 'yes', logProb: Math.log(0.9) },
      { token: 'no', logProb: Math.log(0.1) },
    ];
    const server = await startChatServer({
      model: 'yes-man',
      answer: () => ({ text: 'yes', tokens: [{ ...top[0]!, top }] }),
    });
    const { stdout } = await thinkrl(
      ...['eval', '--editor', 'identity', '--evaluation.tasks', '2', '--out', await folder(), '--json'],
      ...['--judge', server.url, '--judge-model', 'yes-man'],
    );
    await server.close();
    const { tables, facts } = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
      facts: { judge: string };
      tables: { rows: { cells: number[] }[] }[];
    };
    expect(facts.judge).toMatch(/^exact, and yes-man \(prompt .* by log-probabilities\)$/);
    // Who always says yes agrees with a checklist of mixed polarity where it expects yes.
    for (const [index, split] of (['id', 'ood'] as const).entries()) {
      const shares = evaluationTasks(split, 2).map(({ checklist: { questions } }) => {
        return questions.filter(({ expected }) => expected === 'yes').length / questions.length;
      });
      expect(tables[index]!.rows[0]!.cells[5]).toBeCloseTo((100 * (shares[0]! + shares[1]!)) / 2, 9);
    }
  });
});

describe('usage', () => {
  test.each([
    [['--bench', 'gedit'], '--bench is "gedit": use micro, kris or rise'],
    [['--bench', 'kris', '--editor', 'identity'], '--data is missing: name the folder KRIS_Bench'],
    [['--bench', 'kris', '--data', 'x'], '--editor is missing: name one, or edited pictures with --pictures'],
    [['--bench', 'kris', '--data', 'x', '--editor', 'micro'], 'the micro editor edits the micro-world alone'],
    [['--bench', 'kris', '--data', 'x', '--seed', '3'], '--seed is for the micro-world; leave it out'],
    [['--bench', 'kris', '--score-mode', 'weighted'], '--score-mode has no meaning with --bench kris'],
    [['--bench', 'rise', '--weighting', 'value'], '--weighting has no meaning with --bench rise'],
    [['--data', 'x'], '--data has no meaning with --bench micro'],
    [['--judge', 'gpt'], '--judge is "gpt": name the URL of a server or replay:FILE'],
    [
      ['--judge', 'http://localhost:1/v1'],
      '--judge-model is missing: name the model that the server is to use',
    ],
    [['--bench', 'kris', '--wieghting', 'value'], 'did you mean --weighting?'],
  ])('%j is refused with status 2', async (words, message) => {
    const { status, stderr } = await thinkrl('eval', ...words);
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test.each([
    [['--weighting', 'mean'], '--weighting is "mean": use sample or value'],
    [['--parsing', 'first'], '--parsing is "first": use upstream or strict'],
  ])('%j names what may be said', async (words, message) => {
    const data = await krisFolder();
    const { status, stderr } = await thinkrl(
      'eval',
      '--bench',
      'kris',
      '--data',
      data,
      '--editor',
      'identity',
      ...words,
    );
    expect([status, stderr.trim()]).toEqual([2, `thinkrl: ${message}`]);
  });

  test('a folder without a benchmark is named', async () => {
    const data = await folder();
    const { status, stderr } = await thinkrl(
      'eval',
      '--bench',
      'kris',
      '--data',
      data,
      '--editor',
      'identity',
    );
    expect([status, stderr]).toEqual([1, expect.stringContaining('annotation.json')]);
  });
});
