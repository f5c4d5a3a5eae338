import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memory } from '@tensorflow/tfjs-core';
import { readSafetensors } from '@thinkrl/nn';
import { readMetrics } from '@thinkrl/orchestrator';
import { startChatServer } from '@thinkrl/served/server';
import { Key } from '@thinkrl/spec';
import { expect, it } from 'vitest';
import type { RunEvent } from '../src/event.ts';
import {
  buildModules,
  entriesOf,
  loadFolder,
  parseQwenEditConfig,
  readTasks,
  resumeQwenEdit,
  TaskFileError,
  trainQwenEdit,
} from '../src/qwen-image-edit/index.ts';
import { loadFolderInTurns } from '../src/qwen-image-edit/models.ts';
import { tinyModel, tinySettings, writeTasks } from './qwen-image-edit-fixture.ts';
import { TINY_FORM, wilfulJudge } from './tiny-talk.ts';

const temporary = () => mkdtempSync(join(tmpdir(), 'qwen-image-edit-'));

/** Everything of a run that must not depend on a stop. */
function remains(run: string) {
  const checkpoint = join(run, 'checkpoints', 'step-2');
  return {
    metrics: readMetrics(join(run, 'metrics.jsonl')).map((report) => ({ ...report, seconds: null })),
    manifest: readFileSync(join(checkpoint, 'manifest.json'), 'utf8'),
  };
}

it('trains both modules, is the same when stopped and resumed, and keeps adapters and judgements', async () => {
  const folder = temporary();
  const path = await writeTasks(folder);
  const config = parseQwenEditConfig(tinySettings(tinyModel(), path));
  const parts = () => ({ judge: wilfulJudge(), form: TINY_FORM });

  const whole = join(folder, 'whole');
  const { summary, report, adapters } = await trainQwenEdit(config, { out: whole, ...parts() });
  expect(summary).toMatchObject({ recipe: 'qwen-image-edit', iterations: 2 });
  expect(existsSync(report!)).toBe(true);
  for (const step of readMetrics(join(whole, 'metrics.jsonl'))) {
    expect(step.chains).toBe(4);
    for (const module of [step.understanding!, step.generation!]) {
      expect(module.samples).toBeGreaterThan(0);
      expect(module.skipped).toBeUndefined();
      // On policy: the weights that sampled score alike, although the planner was updated before the editor.
      expect(module.firstRatioGap).toBe(0);
      expect(module.rolloutGap).toBeLessThan(1e-3);
    }
  }
  const checkpoint = join(whole, 'checkpoints', 'step-2');
  for (const name of ['understanding', 'generation']) {
    const { tensors } = await readSafetensors(join(checkpoint, `${name}.safetensors`));
    expect([...tensors.keys()].every((key) => /\.lora_[AB]\.weight$/.test(key))).toBe(true);
    const saved = await readSafetensors(join(adapters, name, 'adapter_model.safetensors'));
    expect(saved.tensors.size).toBe(tensors.size);
    const moved = [...tensors].filter(([key]) => key.endsWith('lora_B.weight'));
    expect(moved.some(([, { data }]) => (data as Float32Array).some((value) => value !== 0))).toBe(true);
  }

  // What a lost checkpoint makes the run do again is not asked again.
  const deaf = { ...wilfulJudge(), answer: () => Promise.reject(new Error('asked again')) };
  rmSync(join(whole, 'checkpoints'), { recursive: true });
  await resumeQwenEdit(whole, { ...parts(), judge: deaf });

  const broken = join(folder, 'broken');
  const stop = new AbortController();
  const stopped = await trainQwenEdit(config, {
    out: broken,
    signal: stop.signal,
    onEvent: ({ type }) => (type === 'step' ? stop.abort() : undefined),
    ...parts(),
  });
  expect(stopped.summary).toBeNull();
  expect(readdirSync(join(broken, 'checkpoints'))).toEqual(['step-1']);
  await resumeQwenEdit(broken, parts());
  expect(remains(broken)).toEqual(remains(whole));
}, 300_000);

it('asks a served judge nothing twice, although a resumed run edits again', async () => {
  const folder = temporary();
  const path = await writeTasks(folder);
  const asked: string[] = [];
  const server = await startChatServer({
    model: 'm',
    // Else the server itself would know what it is asked again.
    remember: 0,
    answer: ({ messages, schema }) => {
      const text = JSON.stringify([messages, schema]);
      if (/snow|edited picture|reference picture/.test(text)) asked.push(text);
      const answers = [1, 2].map((number) => ({ number, answer: text.length % 2 === 0 ? 'yes' : 'no' }));
      return { text: JSON.stringify({ answers }) };
    },
  });
  try {
    const judge = { baseURL: server.url, name: 'm' };
    const config = parseQwenEditConfig({ ...tinySettings(tinyModel(), path), judge });
    const run = join(folder, 'run');
    const stop = new AbortController();
    await trainQwenEdit(config, {
      out: run,
      form: TINY_FORM,
      signal: stop.signal,
      onEvent: ({ type }) => (type === 'step' ? stop.abort() : undefined),
    });
    const before = asked.length;
    // Two tasks, two chains each, one edit of a chain at least, three dimensions.
    expect(before).toBeGreaterThanOrEqual(12);
    // As after a kill before the checkpoint: the first iteration is done again.
    rmSync(join(run, 'checkpoints', 'step-1'), { recursive: true });
    const notices: string[] = [];
    const { summary } = await resumeQwenEdit(run, {
      form: TINY_FORM,
      onEvent: (event) => event.type === 'notice' && notices.push(event.text),
    });
    expect(summary).toMatchObject({ iterations: 2 });
    expect(asked.length).toBeGreaterThanOrEqual(before + 12);
    expect(new Set(asked).size).toBe(asked.length);
    expect(notices).toEqual([]);
  } finally {
    await server.close();
  }
}, 300_000);

it('waits for a writer of checklists that goes away, says so, and ends as if it had never been away', async () => {
  const folder = temporary();
  const path = await writeTasks(folder);
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  const bare = lines.map((line) => ({ ...JSON.parse(line), checklist: undefined }));
  writeFileSync(path, bare.map((task) => `${JSON.stringify(task)}\n`).join(''));
  let asked = 0;
  const answer = () => {
    asked += 1;
    return { text: JSON.stringify({ yes: ['Is it snowing?'], no: ['Is it night?'] }) };
  };
  let server = await startChatServer({ model: 'm', answer });
  const port = Number(new URL(server.url).port);
  const settings = { ...tinySettings(tinyModel(), path), tasksPerIteration: 1 };
  const judge = { baseURL: server.url, name: 'm' };

  const trained = async (name: string, onEvent?: (event: RunEvent) => void) => {
    const tasks = { path, checklists: join(folder, `${name}-checklists`), questionPairs: 1 };
    const config = parseQwenEditConfig({ ...settings, judge, tasks });
    const parts = { judge: wilfulJudge(), form: TINY_FORM, ...(onEvent && { onEvent }) };
    const { summary } = await trainQwenEdit(config, { out: join(folder, name), ...parts });
    expect(summary).toMatchObject({ iterations: 2 });
  };
  await trained('whole');
  const askedByWhole = asked;
  const notices: string[] = [];
  let changing = Promise.resolve();
  await trained('broken', (event) => {
    if (event.type === 'step' && event.report.iteration === 1) changing = server.close();
    if (event.type !== 'notice' || notices.push(event.text) > 1) return;
    changing = changing.then(async () => {
      server = await startChatServer({ model: 'm', answer, port });
    });
  });
  await changing;
  await server.close();
  expect(askedByWhole).toBe(2);
  expect(asked).toBe(2 * askedByWhole);
  expect(notices[0]).toMatch(/^the writer of checklists is away \(connection .*\); asking again in 5 s$/s);
  expect(remains(join(folder, 'broken'))).toEqual(remains(join(folder, 'whole')));
}, 300_000);

it('trains a planner of its own whole, the editor without it', async () => {
  const folder = temporary();
  const model = tinyModel();
  const settings = tinySettings(model, await writeTasks(folder));
  const config = parseQwenEditConfig({
    ...settings,
    iterations: 1,
    understanding: { ...settings.understanding, method: 'full', learningRate: 1e-3 },
  });
  const models = loadFolder(config);
  const modules = buildModules(models, config, { form: TINY_FORM });
  const [planner, encoder] = [modules.policy!.parameters(), models.understanding.model.parameters()];
  expect([...planner.keys()]).toEqual([...encoder.keys()]);
  for (const [name, variable] of planner) expect(variable).not.toBe(encoder.get(name));
  expect(modules.adapters.understanding).toBeNull();

  const out = join(folder, 'run');
  const { adapters } = await trainQwenEdit(config, { out, judge: wilfulJudge(), form: TINY_FORM });
  const [step] = readMetrics(join(out, 'metrics.jsonl'));
  expect(step!.understanding).toMatchObject({ firstRatioGap: 0 });
  expect(step!.understanding!.gradientNorm).toBeGreaterThan(0);
  expect(step!.understanding!.rolloutGap).toBeLessThan(1e-3);
  const saved = await readSafetensors(join(out, 'checkpoints', 'step-1', 'understanding.safetensors'));
  expect([...saved.tensors.keys()].sort()).toEqual([...planner.keys()].sort());
  // Every kind of layer has moved, those of the vision tower too.
  for (const part of [/visual.*qkv/, /visual.*merger/, /language_model.*q_proj/, /embed_tokens/, /lm_head/]) {
    const name = [...planner.keys()].find((one) => part.test(one) && one.endsWith('weight'))!;
    const before = await planner.get(name)!.data();
    expect(
      saved.tensors.get(name)!.data.some((value, i) => value !== before[i]),
      name,
    ).toBe(true);
  }
  expect(readdirSync(adapters)).toEqual(['generation']);
}, 300_000);

it('stops between two tensors of its weights, and leaves no run folder', async () => {
  const folder = temporary();
  const config = parseQwenEditConfig(tinySettings(tinyModel(), await writeTasks(folder)));
  const before = memory();
  const stop = new AbortController();
  const loading = loadFolderInTurns(config, { signal: stop.signal });
  setImmediate(() => stop.abort('enough'));
  await expect(loading).rejects.toBe('enough');
  expect(memory().numTensors).toBe(before.numTensors);

  const options = { out: join(folder, 'run'), judge: wilfulJudge(), form: TINY_FORM, signal: stop.signal };
  await expect(trainQwenEdit(config, options)).rejects.toBe('enough');
  expect(existsSync(options.out)).toBe(false);
});

it('leaves no run folder when it cannot begin', async () => {
  const folder = temporary();
  const path = await writeTasks(folder);
  const out = join(folder, 'run');
  const settings = tinySettings(join(folder, 'none'), path);
  await expect(trainQwenEdit(parseQwenEditConfig(settings), { out })).rejects.toThrow(/judge.baseURL is ""/);
  await expect(
    trainQwenEdit(parseQwenEditConfig(settings), { out, judge: wilfulJudge() }),
  ).rejects.toMatchObject({ code: 'BACKBONES_QWEN2_5_VL_FOLDER' });
  expect(existsSync(out)).toBe(false);
});

it.each([
  [{ editing: { window: 6 } }, 'editing.window is 6: use at most 5'],
  [{ planner: { kind: 'served' } }, 'planner.baseURL is ""'],
  [
    { planner: { kind: 'served', baseURL: 'http://x', name: 'y' } },
    'understanding.train is true: use false with planner.kind served',
  ],
  [{ mode: 'direct' }, 'understanding.train is true: use false with mode direct'],
  [{ generation: { rnk: 3 } }, 'generation.rnk is 3: no such setting; did you mean rank?'],
  [{ editing: { guidance: 0.5 } }, 'editing.guidance is 0.5: use at least 1'],
  [{ sharding: { ranks: -1 } }, 'sharding.ranks is -1: use a whole number of at least 0'],
  [
    { sharding: { understanding: true }, understanding: { method: 'full' } },
    'sharding.understanding is true: use false with understanding.method full',
  ],
  [{ recipe: 'micro' }, 'recipe is "micro": use "qwen-image-edit"'],
])('refuses %j, naming field, value and fix', (overrides, message) => {
  expect(() => parseQwenEditConfig(overrides)).toThrow(message);
});

it('reads tasks of a file or of a folder, with pictures beside them', async () => {
  const folder = temporary();
  const path = await writeTasks(folder);
  const entries = readTasks(path);
  expect(entries.map(({ id, category }) => [id, category])).toEqual([
    ['1', 'weather'],
    ['2', 'edit'],
    ['both', 'edit'],
  ]);
  expect(entries[1]!.references).toEqual([join(folder, 'wide.png')]);
  expect(entries[0]!.checklist).toEqual({
    questions: [
      { id: 'q1', text: 'Is there snow?', expected: 'yes' },
      { id: 'q2', text: 'Is it night?', expected: 'no' },
    ],
    source: 'tasks.jsonl',
  });
  writeFileSync(join(folder, 'one.json'), '{"references": ["wide.png"], "instruction": "a hat"}');
  expect(readTasks(folder)).toMatchObject([{ id: 'one', checklist: null }]);
});

it.each([
  ['{"references": []}', /line 1: references: /],
  ['{"references": ["a"], "instruction": "x", "cheklist": []}', /line 1: the task: .*cheklist/],
  ['{"references"', /line 1: is not JSON/],
  ['{"references":["a"],"instruction":"x","id":"a"}\n{"references":["a"],"instruction":"x","id":"a"}', /two/],
])('refuses tasks %j and says where', (text, message) => {
  const path = join(temporary(), 'tasks.jsonl');
  writeFileSync(path, text);
  expect(() => readTasks(path)).toThrow(TaskFileError);
  expect(() => readTasks(path)).toThrow(message);
});

it('passes over all tasks in another order each time, none twice in an iteration', () => {
  const entries = Array.from({ length: 7 }, (_, i) => ({ id: `${i}` }) as ReturnType<typeof readTasks>[0]);
  const ids = (iteration: number) =>
    entriesOf(entries, { iteration, count: 3, key: Key.of(1) }).map(({ id }) => id);
  const passes = [1, 2, 3].map((pass) => [...ids(2 * pass - 1), ...ids(2 * pass)]);
  for (const pass of passes) expect(new Set(pass).size).toBe(6);
  expect(passes[0]).not.toEqual(passes[1]);
  expect(ids(4)).toEqual(ids(4));
  expect(() => entriesOf(entries, { iteration: 1, count: 8, key: Key.of(1) })).toThrow(/at most 7/);
});
