import { spawn } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startChatServer } from '@thinkrl/served/server';
import { Key } from '@thinkrl/spec';
import { expect, it } from 'vitest';
import type { StoredReply } from '../src/index.ts';
import { krisFolder } from './kris-folder.ts';

const program = fileURLToPath(new URL('./run-in-a-process.ts', import.meta.url));

it('killed at any moment and started again, it asks nothing twice but what was on its way', async () => {
  const [data, out] = [await krisFolder(40), await mkdtemp(join(tmpdir(), 'thinkrl-killed-'))];
  const asked: string[] = [];
  let limit = 0;
  let onLimit = () => {};
  const server = await startChatServer({
    model: 'm',
    async answer({ messages }) {
      const text = String(messages[0]!.content[0]);
      asked.push(text);
      if (asked.length === limit) onLimit();
      await sleep(2);
      return {
        text: '{"consistency_score": 4, "instruction_score": 4, "quality_score": 4, "knowledge_score": 4}',
      };
    },
  });
  const start = () => {
    const loader = ['--import', 'tsx', '--conditions=@thinkrl/source', program];
    const child = spawn(process.execPath, [...loader, data, out, server.url], { stdio: 'inherit' });
    return { child, ended: new Promise<number | null>((done) => child.on('close', done)) };
  };
  const draws = Key.of(11).stream();
  const kills = 3;
  for (let kill = 0; kill < kills; kill++) {
    const { child, ended } = start();
    limit = asked.length + 5 + draws.integer(20);
    onLimit = () => child.kill('SIGKILL');
    expect(await ended).toBe(null);
  }
  limit = 0;
  expect(await start().ended).toBe(0);
  await server.close();
  const lines = (await readFile(join(out, 'replies.jsonl'), 'utf8')).trim().split('\n');
  const replies = lines.map((line) => JSON.parse(line) as StoredReply);
  // Six samples and forty more, three questions each, every one answered once.
  expect(new Set(replies.map(({ key }) => key)).size).toBe(138);
  expect(replies).toHaveLength(138);
  expect(asked.length).toBeLessThanOrEqual(138 + 4 * kills);
  for (const { reply } of replies) expect(reply).toMatchObject({ complete: true });
});
