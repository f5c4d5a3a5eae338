// Serves the micro-world's judge to other processes: any OpenAI client can ask it, `openAiCompatible` first of all.
import { taskList } from '@thinkrl/microworld';
import { startChatServer } from '@thinkrl/served/server';
import { Key } from '@thinkrl/spec';
import { judgeEndpoint } from './judge-endpoint.ts';
import { microJudge } from './micro-judge.ts';

const [port = '8000', seed = '0', count = '100'] = process.argv.slice(2);
const tasks = taskList(Key.of(Number(seed)), 'id', Number(count));
const judge = microJudge({ tasks, certainty: 0.97 });
const server = await startChatServer({ model: judge.name, answer: judgeEndpoint(judge), port: Number(port) });
console.log(`${judge.name} knows ${count} tasks of seed ${seed} and listens at ${server.url}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close());
