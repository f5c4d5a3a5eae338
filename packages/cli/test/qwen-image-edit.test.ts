import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readImage } from '@thinkrl/backbones/qwen2-5-vl';
import { type ChatServer, startChatServer } from '@thinkrl/served/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  tinyModel,
  tinySettings,
  writePicture,
  writeTasks,
} from '../../recipes/test/qwen-image-edit-fixture.ts';
import { main } from '../src/index.ts';

/** What the server says to every question: as a planner, as a writer of checklists and as a judge. */
const reply = {
  reasoning: 'it is winter',
  steps: ['cover the ground'],
  instruction: 'cover the ground with snow',
  verdict: 'fix',
  corrections: ['more snow'],
  yes: ['Is there snow?'],
  no: ['Is it night?'],
  answers: [
    { number: 1, answer: 'yes' },
    { number: 2, answer: 'yes' },
  ],
};

let server: ChatServer;
beforeAll(async () => {
  server = await startChatServer({ model: 'm', answer: () => ({ text: JSON.stringify(reply) }) });
});
afterAll(() => server.close());

const temporary = () => mkdtempSync(join(tmpdir(), 'thinkrl-cli-qwen-'));

async function thinkrl(...words: string[]) {
  let stdout = '';
  let stderr = '';
  const status = await main(words, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  });
  return { status, stdout, stderr };
}

test('edits with a served planner and judge, and writes every picture and thought', async () => {
  const folder = temporary();
  const image = join(folder, 'in.png');
  await writePicture(image, 40, 40);
  const out = join(folder, 'edited');
  const served = (part: string) => [`--${part}.baseURL`, server.url, `--${part}.name`, 'm'];
  const words = [
    ...['edit', '--model', tinyModel(), '--image', image, '--instruction', 'make it snow', '--out', out],
    ...['--planner.kind', 'served', ...served('planner'), ...served('judge')],
    ...['--tasks.checklists', join(folder, 'checklists'), '--tasks.questionPairs', '1'],
    ...['--engine.name', 'auto', '--engine.device', 'cpu', '--engine.threads', '1'],
    ...['--editing.side', '32', '--editing.seenSide', '32', '--editing.steps', '2'],
  ];
  const { status, stdout, stderr } = await thinkrl(...words);
  expect([status, stderr]).toEqual([0, expect.stringContaining('engine: ')]);
  expect(stdout).toContain('plan         cover the ground with snow\nreflection   fix: more snow\n');
  expect(stdout).toContain('  ok   Is there snow?  expected yes, judged yes, then yes\n');
  expect(stdout).toContain('  MISS Is it night?  expected no, judged yes, then yes\n');
  const pictures = ['edit-1.png', 'edit-2.png', 'edit.png', 'reference-1.png'];
  expect(readdirSync(out).sort()).toEqual([...pictures, 'thoughts.json']);
  for (const name of pictures)
    expect(await readImage(join(out, name))).toMatchObject({ width: 32, height: 32 });
  expect(readFileSync(join(out, 'edit.png'))).toEqual(readFileSync(join(out, 'edit-2.png')));
  expect(JSON.parse(readFileSync(join(out, 'thoughts.json'), 'utf8'))).toMatchObject({
    plan: { steps: ['cover the ground'] },
    // One of two questions of the checklist, of consistency and of quality expects yes.
    rewards: [
      [0.5, 0.5, 0.5],
      [0.5, 0.5, 0.5],
    ],
  });
}, 300_000);

test('trains by a config file, has nothing to resume, and edits with the adapters of the run', async () => {
  const folder = temporary();
  const settings = tinySettings(tinyModel(), await writeTasks(folder));
  const config = join(folder, 'qwen-image-edit.json');
  const judge = { baseURL: server.url, name: 'm' };
  writeFileSync(config, JSON.stringify({ recipe: 'qwen-image-edit', ...settings, judge, iterations: 1 }));
  const run = join(folder, 'run');
  const trained = await thinkrl('train', '--config', config, '--out', run, '--tasksPerIteration', '1');
  expect([trained.status, trained.stdout]).toEqual([0, expect.stringContaining('rewards at last')]);
  expect(existsSync(join(run, 'adapters', 'generation', 'adapter_config.json'))).toBe(true);
  const again = await thinkrl('resume', run);
  expect([again.status, again.stderr]).toEqual([0, expect.stringContaining('going on after iteration 1')]);

  const out = join(folder, 'edited');
  const edited = await thinkrl(
    ...['edit', '--config', config, '--adapter', join(run, 'adapters'), '--rounds', '0', '--out', out],
    ...['--image', join(folder, 'wide.png'), '--instruction', 'a hat', '--judge.baseURL', ''],
  );
  expect([edited.status, edited.stdout]).toEqual([0, expect.stringContaining('checklist    none')]);
  // 96 x 32 at about 32 x 32 pixels: 55.4 x 18.5, in multiples of 32.
  expect(await readImage(join(out, 'edit.png'))).toMatchObject({ width: 64, height: 32 });
}, 300_000);

test.each([
  [['edit', '--model', 'x', '--instruction', 'y'], 'name the picture: --image in.png'],
  [['edit', '--model', 'x', '--image', 'y'], 'say what to make of it'],
  [['train', '--model', 'x', '--weights', 'y'], '--weights is for the micro models'],
  [['train', '--model', 'x', '--editing.stps', '1'], 'did you mean --editing.steps?'],
  [['train', '--model', 'x', '--editing.window', '9'], 'editing.window is 9: use at most 5'],
])('%j is refused with status 2', async (words, message) => {
  const { status, stderr } = await thinkrl(...words);
  expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
});

test('plan tells what a run takes, and what to change until it fits', async () => {
  const config = join(temporary(), 'config.json');
  writeFileSync(config, '{"recipe": "qwen-image-edit"}');
  const fits = await thinkrl('plan', '--config', config, '--memory', '141');
  expect([fits.status, fits.stdout]).toEqual([0, expect.stringContaining('fits into 141.00 GiB')]);
  // 20,430,401,088 and 8,292,166,656 numbers of two bytes.
  expect(fits.stdout).toMatch(/transformer +38\.05 GiB\n +text encoder +15\.45 GiB\n/);
  const tight = await thinkrl('plan', '--config', config, '--memory', '80', '--generation.editsAtOnce', '16');
  expect(tight.status).toBe(1);
  expect(tight.stdout).toMatch(
    /does not fit into 80\.00 GiB; in this order, change\n +--generation\.editsAtOnce 1 /,
  );
  const hopeless = await thinkrl('plan', '--config', config, '--memory', '24', '--json');
  const { advice, peak } = JSON.parse(hopeless.stdout);
  const peaks = [peak, ...advice.map((one: { peak: number }) => one.peak)];
  expect(peaks).toEqual([...peaks].sort((a, b) => b - a));
  expect(peaks.at(-1)).toBeGreaterThan(24 * 2 ** 30);
});

test('plan is about Qwen-Image-Edit, whose settings it takes, unless a config file says otherwise', async () => {
  const usual = await thinkrl('plan', '--memory', '141');
  expect([usual.status, usual.stdout]).toEqual([0, expect.stringContaining('fits into 141.00 GiB')]);
  expect((await thinkrl('plan', '--help')).stdout).toContain('--generation.editsAtOnce');
  const config = join(temporary(), 'config.json');
  writeFileSync(config, '{"recipe": "micro"}');
  const refused = await thinkrl('plan', '--config', config);
  expect([refused.status, refused.stderr]).toEqual([
    2,
    expect.stringContaining('thinkrl plan is not for the recipe micro'),
  ]);
});

test('a config file of an unknown recipe is refused', async () => {
  const config = join(temporary(), 'config.json');
  writeFileSync(config, '{"recipe": "flux"}');
  const { status, stderr } = await thinkrl('train', '--config', config);
  expect([status, stderr]).toEqual([2, expect.stringContaining('"flux": use one of micro, qwen-image-edit')]);
});
