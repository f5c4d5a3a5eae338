import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import { BenchmarkFileError, type BenchmarkSample, commandEditor, EditFailedError } from '../src/index.ts';
import { png, write } from './kris-folder.ts';

const program = fileURLToPath(new URL('./line-editor.mjs', import.meta.url));
const editorOf = (...manners: readonly string[]) => commandEditor([process.execPath, program, ...manners]);

async function sampleOf(instruction: string, shade = 9): Promise<BenchmarkSample> {
  const input = join(await mkdtemp(join(tmpdir(), 'thinkrl-editor-')), 'in put.png');
  await write(input, await png(shade, 1, 1));
  const key = `test/${shade}`;
  return {
    key,
    id: key,
    category: 'test',
    instruction,
    inputs: [input],
    reference: {},
    outputStem: 'x',
    record: {},
  };
}

describe('commandEditor', () => {
  it('asks one program for one picture after the other, and ends it', async () => {
    const editor = editorOf();
    const samples = await Promise.all([1, 2, 3].map((shade) => sampleOf('"; rm -rf "$HOME"\nnow', shade)));
    const edited = await Promise.all(samples.map((sample) => editor.edit(sample)));
    const inputs = await Promise.all(samples.map(({ inputs: [path] }) => readFile(path!)));
    expect(edited).toEqual(inputs);
    await editor.close?.();
    await expect(editor.edit(samples[0]!)).rejects.toThrow(BenchmarkFileError);
  });

  it('takes what a program cannot edit for a failed sample', async () => {
    const editor = editorOf();
    await expect(editor.edit(await sampleOf('impossible'))).rejects.toThrow(
      new EditFailedError('cannot do test/9'),
    );
    expect((await editor.edit(await sampleOf('possible'))).length).toBeGreaterThan(0);
    await editor.close?.();
  });

  it.each([
    ['mumble', EditFailedError, 'the editor\'s answer is no {"output"} or {"error"}: done!'],
    ['forget', EditFailedError, 'its output cannot be read: ENOENT'],
    ['die', BenchmarkFileError, 'ended with status 3 while pictures were left to edit'],
  ])('notices programs that %s', async (manners, kind, message) => {
    const editor = editorOf(manners);
    const edit = editor.edit(await sampleOf('x'));
    await expect(edit).rejects.toThrow(kind);
    await expect(edit).rejects.toThrow(message);
    await editor.close?.();
  });

  it('says what cannot be started', async () => {
    const editor = commandEditor(['/nowhere/editor']);
    await expect(editor.edit(await sampleOf('x'))).rejects.toThrow('/nowhere/editor: cannot be started: ');
    expect(() => commandEditor([])).toThrow(ConfigError);
  });
});
