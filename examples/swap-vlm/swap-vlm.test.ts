import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startChatServer } from '@thinkrl/served/server';
import { expect, it } from 'vitest';

it('edits by the plan of the server', async () => {
  const plan = { reasoning: 'there is too much', steps: ['erase b2'], instruction: 'erase red ball b2 .' };
  const server = await startChatServer({ model: 'm', answer: () => ({ text: JSON.stringify(plan) }) });
  const script = ['--import', 'tsx', '--conditions=@thinkrl/source', 'swap-vlm.ts'];
  const cwd = dirname(fileURLToPath(import.meta.url));
  const env = { ...process.env, BASE_URL: server.url, MODEL: 'm' };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, script, { cwd, env });
    expect(stdout.trim().split('\n').slice(-2)).toEqual(Array(2).fill('true erase red ball b2 .'));
  } finally {
    await server.close();
  }
}, 120_000);
