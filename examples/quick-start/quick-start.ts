import { useEngine } from '@thinkrl/engine';
import { createMicroReward, taskList } from '@thinkrl/microworld';
import { loadModels, parseMicroConfig, samplerOf } from '@thinkrl/recipes';
import { Key } from '@thinkrl/spec';
import { ucpg } from '@thinkrl/ucpg';

await useEngine();
const sampler = samplerOf(await loadModels(), parseMicroConfig({ mode: 'full' }));
const tasks = taskList(Key.of(1), 'id', 1);
const sampling = { temperature: 1 };
const chains = await sampler.sample({ tasks, groupSize: 8, sampling, stochastic: [], key: Key.of(2) });
const judged = await createMicroReward('benign').judge(chains, Key.of(3));
const { advantages } = ucpg(judged.map(({ stages }) => stages.at(-1)!.rewards));
console.log(tasks[0]!.instruction);
for (const [i, { plan }] of chains.entries()) console.log(advantages[i]!.toFixed(2), plan?.text);
