// A judge in a process of its own, which outlives the runs that ask it: `LOG MILLISECONDS [PORT]`. It answers by picture and
// question alone, after so many milliseconds, and says its URL. For each request about a picture it appends a line to the
// log: what was asked, as a hash, and how many requests it then had at once.
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { readJudgePrompt } from '@thinkrl/checklist-reward/served';
import { type ServerRequest, startChatServer } from '@thinkrl/served/server';

const [log, milliseconds, port = '0'] = process.argv.slice(2) as [string, string, string?];
let inside = 0;

function hashOf(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

const bytesOf = (data: Float32Array) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

function answersTo({ messages, seed }: ServerRequest) {
  const prompt = readJudgePrompt(messages);
  if (prompt === null) return { id: null, text: 'yes' };
  const picture = bytesOf(prompt.image.data);
  const answers = prompt.questions.map((question, i) => {
    const even = Number.parseInt(hashOf([picture, question]).slice(0, 2), 16) % 2 === 0;
    return { number: i + 1, answer: even ? 'yes' : 'no' };
  });
  const id = hashOf([picture, JSON.stringify([prompt.questions, seed])]);
  return { id, text: JSON.stringify({ answers }) };
}

const server = await startChatServer({
  model: 'wilful',
  remember: 0,
  port: Number(port),
  async answer(request) {
    inside += 1;
    const { id, text } = answersTo(request);
    if (id !== null) {
      appendFileSync(log, `${JSON.stringify({ id, inside })}\n`);
      await pause(Number(milliseconds));
    }
    inside -= 1;
    return { text };
  },
});
console.log(server.url);
