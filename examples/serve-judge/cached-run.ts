// A run that may be killed: `cached-run.ts URL FOLDER COUNT` judges so many pictures at once through a cache and prints
// how many of the replies are wrong and what became of the requests.
import { cachedJudge } from '@thinkrl/checklist-reward/cache';
import { openAiCompatible } from '@thinkrl/checklist-reward/served';
import { createServedModel } from '@thinkrl/served';
import { judgeRequests, wrongReplies } from './judgements.ts';

const [baseURL, folder, count] = process.argv.slice(2);
const model = createServedModel({ baseURL: baseURL!, model: 'faulty', concurrency: 32 });
const capabilities = { logProbs: false, yesNoLogProbs: false, jsonSchema: true };
const judge = await cachedJudge(await openAiCompatible({ model, capabilities }), { folder: folder! });
const replies = await judge.answer(judgeRequests(Number(count)));
await judge.close();
console.log(JSON.stringify({ wrong: wrongReplies(replies), ...judge.usage() }));
