import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServedModel } from '@thinkrl/served';
import { type ChatServer, startChatServer } from '@thinkrl/served/server';
import { ConfigError, Key } from '@thinkrl/spec';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checklistDimension } from '../src/index.ts';
import { ChecklistFileError, createChecklistWriter } from '../src/served/index.ts';
import { fakeJudge } from '../src/testing/index.ts';
import { grey, task } from './chains.ts';

let folder: string;
let server: ChatServer | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'checklists-'));
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await server?.close();
});

/** A model that writes the given questions, and a writer of two pairs that asks it. */
async function writerOf(...replies: readonly object[]) {
  let asked = 0;
  server = await startChatServer({
    model: 'author',
    answer: () => ({ text: JSON.stringify(replies[asked++ % replies.length]) }),
  });
  const retry = { attempts: 2, firstWait: 1 };
  const model = createServedModel({ baseURL: server.url, model: 'author', retry });
  return { writer: createChecklistWriter({ model, folder, pairs: 2 }), asked: () => asked };
}

const good = {
  yes: ['Is the sky red?', 'is the  sky red', 'Is it evening?', 'Is there a boat?'],
  no: ['Is there a dog?', 'Is there a Boat?', 'Is a house gone?'],
};

describe('createChecklistWriter', () => {
  it('keeps as many of each polarity, none twice and none that contradicts itself', async () => {
    const { writer } = await writerOf(good);
    const { questions, source } = await writer.write(task('t'));
    expect(questions.map(({ text, expected }) => `${text} ${expected}`)).toEqual([
      'Is the sky red? yes',
      'Is there a dog? no',
      'Is it evening? yes',
      'Is a house gone? no',
    ]);
    expect(new Set(questions.map(({ id }) => id)).size).toBe(4);
    expect(source).toBe('author prompt 1');
  });

  it('gives half a point to a judge that always says the same', async () => {
    const { writer } = await writerOf(good);
    const owner = { ...task('t'), checklist: await writer.write(task('t')) };
    for (const reply of ['yes', 'no'] as const) {
      const dimension = checklistDimension({ judge: fakeJudge(reply) });
      const [score] = await dimension.score([{ task: owner, image: grey(1), key: Key.of(0) }]);
      expect(score).toMatchObject({ value: 0.5 });
    }
  });

  it('asks once for each content, also at the same time and after a restart', async () => {
    const { writer, asked } = await writerOf(good);
    const [first, second] = await Promise.all([writer.write(task('a')), writer.write(task('b'))]);
    expect(second).toBe(first);
    expect(asked()).toBe(1);
    expect(await (await writerOf({})).writer.write(task('c'))).toEqual(first);
    const others = await writerOf(good);
    await others.writer.write({ ...task('t'), references: [grey(0.5)] });
    await others.writer.write({ ...task('t'), instruction: 'darken it' });
    expect(others.asked()).toBe(2);
    expect(readdirSync(folder)).toHaveLength(3);
  });

  it('goes on for others where one who asked for the same gives up', async () => {
    const { writer, asked } = await writerOf(good);
    const abort = new AbortController();
    const hasty = writer.write(task('a'), { signal: abort.signal });
    const patient = writer.write(task('b'));
    abort.abort(new Error('enough'));
    await expect(hasty).rejects.toThrow('enough');
    expect((await patient).questions).toHaveLength(4);
    expect(asked()).toBe(1);
  });

  it('takes what was edited by hand, and names a file that was broken', async () => {
    const { writer } = await writerOf(good);
    await writer.write(task('t'));
    const path = join(folder, readdirSync(folder)[0]!);
    const kept = JSON.parse(readFileSync(path, 'utf8'));
    expect(kept.instruction).toBe('brighten the picture');
    const own = { id: 'own', text: 'Is it noon?', expected: 'no' };
    writeFileSync(path, JSON.stringify({ ...kept, questions: [own] }));
    expect((await writer.write(task('t'))).questions).toEqual([own]);
    for (const broken of ['{', '{}', JSON.stringify({ ...kept, questions: [own, own] })]) {
      writeFileSync(path, broken);
      await expect(writer.write(task('t'))).rejects.toThrow(ChecklistFileError);
      await expect(writer.write(task('t'))).rejects.toMatchObject({ path });
    }
  });

  it('asks again where there are too few questions, and keeps nothing of a failure', async () => {
    const few = { yes: ['Is it?'], no: ['Was it?'] };
    expect((await (await writerOf(few, good)).writer.write(task('t'))).questions).toHaveLength(4);
    await expect((await writerOf(few)).writer.write(task('t'))).resolves.toBeDefined();
    const other = { ...task('t'), instruction: 'another' };
    await expect((await writerOf(few)).writer.write(other)).rejects.toThrow(
      'unreadable after 2 attempts: 1 and 1 usable questions where 2 of each were wanted',
    );
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('refuses to write no questions', async () => {
    const model = createServedModel({ baseURL: 'http://localhost/v1', model: 'm' });
    expect(() => createChecklistWriter({ model, folder, pairs: 0 })).toThrow(ConfigError);
  });
});
