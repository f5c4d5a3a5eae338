import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { main } from '../src/index.ts';
import { type Asked, scriptedRecipe } from './scripted-recipe.ts';

async function thinkrl(...words: string[]) {
  const asked: Asked[] = [];
  let stdout = '';
  let stderr = '';
  const status = await main(words, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    load: async () => scriptedRecipe(0, asked),
  });
  return { status, stdout, stderr, asked };
}

const folder = () => mkdtemp(join(tmpdir(), 'thinkrl-cli-'));

describe('help and usage', () => {
  test('--help lists every command', async () => {
    const { status, stdout } = await thinkrl('--help');
    expect(status).toBe(0);
    for (const name of ['train', 'pretrain', 'eval', 'edit', 'diagnose', 'doctor'])
      expect(stdout).toContain(`  ${name} `);
  });

  test('train --help lists settings with their defaults', async () => {
    const { stdout } = await thinkrl('train', '--help');
    expect(stdout).toMatch(/--understanding\.learningRate +0\.0002\n/);
    expect(stdout).toMatch(/--mode +"full"\n/);
  });

  test('launch --help has its options before the program', async () => {
    const { stdout } = await thinkrl('launch', '--help');
    expect(stdout).toContain('usage: thinkrl launch [options] [-- PROGRAM ARGUMENTS...]\n');
  });

  test('--version prints the version', async () => {
    expect((await thinkrl('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test.each([
    [['trian'], 'no such command: trian; did you mean thinkrl train?'],
    [['train', '--sed', '2'], 'no such option: --sed; did you mean --seed?'],
    [['train', '--seed'], "Option '--seed <value>' argument missing"],
    [['train', 'fast'], 'what is "fast"?'],
    [['train', '--resume', 'runs/a', '--seed', '2'], 'leave --seed out'],
    [['train', '--resume', 'runs/a', '--out', 'runs/b'], 'leave --out out'],
    [['resume'], 'name the run folder'],
    [['edit', '--scene', 'two'], '--scene is "two": use a whole number of at least 1'],
    [['edit', '--split', 'test'], '--split is "test": use id or ood'],
    [['pretrain', 'macro'], 'thinkrl pretrain micro'],
  ])('%j is refused with status 2', async (words, message) => {
    const { status, stdout, stderr } = await thinkrl(...words);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('settings', () => {
  test('options win over the config file, which wins over the defaults', async () => {
    const file = join(await folder(), 'config.json');
    await writeFile(file, '{"seed": 5, "iterations": 2, "understanding": {"beta": 0.5}}');
    const { asked } = await thinkrl(
      'train',
      '--config',
      file,
      '--iterations',
      '1',
      '--understanding.learningRate',
      '1e-4',
    );
    expect(asked[0]!.config).toMatchObject({
      seed: 5,
      iterations: 1,
      mode: 'full',
      understanding: { beta: 0.5, learningRate: 1e-4, train: true },
    });
  });

  test('values are typed by JSON: booleans, lists, negative numbers', async () => {
    const { asked } = await thinkrl(
      'train',
      '--iterations=0',
      '--generation.train',
      'false',
      '--grouping.weights',
      '[4,1,1]',
    );
    expect(asked[0]!.config).toMatchObject({
      generation: { train: false },
      grouping: { weights: [4, 1, 1] },
    });
    expect((await thinkrl('train', '--generation.beta=-1')).stderr).toContain(
      'generation.beta is -1: use at least 0',
    );
  });

  test.each([
    [['--understanding.learningRate', 'fast'], 'understanding.learningRate is "fast": use a number above 0'],
    [['--mode', 'think'], 'mode is "think": use one of full, plan, direct'],
    [['--config', '/nowhere.json'], '--config is "/nowhere.json": cannot be read (ENOENT); name a JSON file'],
  ])('%j names field, value and fix', async (words, message) => {
    const { status, stderr } = await thinkrl('train', ...words);
    expect([status, stderr.trim()]).toEqual([2, `thinkrl: ${message}`]);
  });

  test.each([[[]], [['--editor', 'identity']]])('eval %j needs something to evaluate', async (words) => {
    const { status, stderr } = await thinkrl('eval', ...words, '--evaluation.tasks', '0');
    expect([status, stderr.trim()]).toEqual([2, 'thinkrl: evaluation.tasks is 0: use at least 1']);
  });

  test('an unknown name in a config file is answered with the nearest one', async () => {
    const file = join(await folder(), 'config.json');
    await writeFile(file, '{"generation": {"learnRate": 1}}');
    expect((await thinkrl('train', '--config', file)).stderr).toContain('did you mean learningRate?');
    await writeFile(file, '{"seed": 1,}');
    expect((await thinkrl('train', '--config', file)).stderr).toContain('is not JSON');
    await writeFile(file, '[1]');
    expect((await thinkrl('train', '--config', file)).stderr).toContain('holds no settings');
  });
});

describe('train', () => {
  test('ends with scores, run and report; progress goes to stderr', async () => {
    const { status, stdout, stderr } = await thinkrl('train', '--iterations', '3', '--out', 'somewhere/run');
    expect(status).toBe(0);
    expect(stdout).toContain('after, in domain       if 74.0  strict 57.0');
    expect(stdout.trim().split('\n').at(-1)).toMatch(/^report: .*somewhere\/run\/report\/index\.html$/);
    // 64 chains in 2 s; rewards 0.6, 0.9, 0.9
    expect(stderr).toContain('train 3/3  ETA 0:00  32.0 chains/s  reward 0.800  kept 75 %  KL 0.013');
  });

  test('says so where there are no scores', async () => {
    const words = ['--iterations', '1', '--evaluation.tasks', '0', '--out', 'somewhere/run'];
    const { stdout } = await thinkrl('train', ...words);
    expect(stdout).toMatch(/^no scores: .* evaluation\.tasks is 0\n6 s training/);
  });

  test('names a new folder by mode and seed', async () => {
    const { asked } = await thinkrl('train', '--iterations', '1', '--mode', 'plan', '--seed', '7001');
    expect(asked[0]!.folder).toBe(join('runs', 'micro-plan-seed7001'));
  });

  test.each([
    ['train', '--resume', 'runs/old'],
    ['resume', 'runs/old'],
  ])('%s %s goes on in the folder with its own settings', async (...words) => {
    const { asked, status } = await thinkrl(...words);
    expect([status, asked]).toEqual([0, [{ config: null, folder: 'runs/old' }]]);
  });

  test('--json prints records only, an event a line', async () => {
    const { stdout, stderr } = await thinkrl('train', '--iterations', '2', '--out', 'x', '--json');
    const records = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(records.map(({ type }) => type)).toEqual(['folder', 'step', 'step', 'end']);
    expect(stderr).toBe('');
  });

  test('an error nobody foresaw shows its stack and ends with 1', async () => {
    const { status, stderr } = await thinkrl('eval');
    expect(status).toBe(1);
    expect(stderr).toMatch(/Error: not part of the script\n +at /);
  });
});

describe('doctor', () => {
  test('without the addon says what to install', async () => {
    process.env.THINKRL_TORCH_ADDON = '/nowhere/thinkrl_torch.node';
    const { stdout } = await thinkrl('doctor');
    delete process.env.THINKRL_TORCH_ADDON;
    expect(stdout).toMatch(/engine +wasm\nlibtorch +not usable\n/);
    expect(stdout).toMatch(/missing +.*npx thinkrl-build-torch.*apt-get install.*pip install torch/);
  });

  test('shows what the engine runs on', async () => {
    const { status, stdout } = await thinkrl('doctor');
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^node +\d+.*\nengine +torch\nlibtorch +\d+\.\d+\.\d+ \(.+\)\nblas +.+\ndevice +cpu, \d+ threads\ncuda +(yes|no)/,
    );
  });
});
